-- wrk -s get-clowder.lua URL -- [PAUSE]
-- GETs as a browser sends them to Clowder v2: of ten, eight are API calls with
-- JSON answers, one is a page and one a download of 64 KiB. PAUSE: how long a
-- connection waits before each, in milliseconds, on average.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")
local headers = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  ["Accept"] = "application/json, text/plain, */*",
  ["Accept-Language"] = "en-US,en;q=0.5",
  ["Accept-Encoding"] = "gzip, deflate, br",
  ["Cookie"] = "Authorization=%22Bearer%20eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl%22",
  ["Referer"] = "http://clowder.test/datasets/64a1f0c2e4b0d3a9c8f7b6a5",
  ["Sec-Fetch-Dest"] = "empty", ["Sec-Fetch-Mode"] = "cors", ["Sec-Fetch-Site"] = "same-origin",
}
local paths = {
  "/datasets/%s?folder=64a1f0c2e4b0d3a9c8f7b6a5",
  "/api/v2/datasets/%s",
  "/api/v2/datasets/%s/metadata",
  "/api/v2/datasets/%s/folders_and_files?skip=0&limit=10",
  "/api/v2/jobs?dataset_id=%s",
  "/api/v2/files/%s",
  "/api/v2/datasets/%s/versions",
  "/api/v2/feeds?dataset_id=%s",
  "/api/v2/thumbnails?dataset_id=%s",
  "/api/v2/authorizations/datasets/%s/role",
}
local requests, turn = {}, 0

function init(args)
  local pause = tonumber(args[1] or 0)
  if pause > 0 then
    delay = function() return math.random() * 2 * pause end
  end
  for i = 1, 1000 do
    requests[i] = wrk.format("GET", string.format(paths[i % #paths + 1], string.format("%024x", i)), headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
