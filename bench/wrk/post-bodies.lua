-- wrk -s post-bodies.lua URL -- <content type> <body file>...
-- POSTs the files' contents in turn.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")
local requests, turn = {}, 0

function init(args)
  for i = 2, #args do
    local file = assert(io.open(args[i], "rb"))
    requests[#requests + 1] = wrk.format("POST", nil, { ["Content-Type"] = args[1] }, file:read("*a"))
    file:close()
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
