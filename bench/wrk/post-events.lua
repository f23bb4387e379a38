-- wrk -s post-events.lua URL -- <API key> <round>
-- POSTs one event per request, all different.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")
local headers, round, count = {}, "", 0

function init(args)
  headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. args[1] }
  round = args[2]
end

function request()
  count = count + 1
  local id = string.format("%8s%016x", round, count):gsub(" ", "0")
  return wrk.format("POST", nil, headers, string.format(
    '{"event":"file.uploaded","file_id":"%s","file_name":"measurement-%d.csv","dataset_id":"64a1f0c2e4b0d3a9c8f7b6a5",' ..
    '"bytes":%d,"content_type":"text/csv","user_id":"5f3c2b1a0e9d8c7b6a594837"}', id, count, 1000 + count))
end
