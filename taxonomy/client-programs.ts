/**
 * Programs by their names in User-Agent. A name is a whole word in upper or lower case: neither a letter nor a hyphen with a
 * letter may follow (`Ruby/3.2` and `php7.4`, but not `Ruby-Crawler`). If the name ends in `*`, anything may follow
 * (`python-*`).
 */
export const PROGRAMS = {
  /** Browsers whose agent does not begin with Mozilla/. */
  browser: {
    first: ['dillo', 'elinks', 'emacs-w3m', 'links', 'lynx', 'mobilesafari*', 'netsurf', 'qwant*', 'safari*', 'ucweb', 'uzbl', 'opera', 'w3m'],
    anywhere: [],
  },
  /** Clowder's own extractors, whatever else they name. */
  extractor: {
    first: [],
    anywhere: ['pyclowder*', 'clowder-extractor*', 'clowderextractor*', 'clowder extractor*'],
  },
  /** Media players, of kind `api` as well. */
  player: {
    first: [
      'foobar2000', 'iina', 'itunes', 'kodi', 'libmpv', 'libvlc', 'mpc-be', 'mpc-hc', 'mplayer*', 'mpv', 'nsplayer', 'potplayer*', 'quicktime',
      'realplayer*', 'rhythmbox', 'smplayer', 'totem', 'vlc', 'winamp', 'windows-media-player', 'wmplayer', 'xine',
    ],
    /** Players inside an app, which names itself first. */
    anywhere: ['androidxmedia3', 'exoplayerlib', 'stagefright'],
  },
  /** Programs people use to download and compute: libraries, tools, file store clients and office programs. */
  api: {
    /** Also ordinary words, so they count only at the start. */
    first: [
      // Languages and their own clients.
      'bun', 'crystal', 'dart', 'deno', 'elixir', 'erlang*', 'go-*', 'go 1*', 'go http package', 'haskell*', 'java*', 
      'julia', 'kotlin*', 'lua*', 'matlab*', 'mathematica*', 'nim httpclient', 'node', 'nodejs', 'node.js*', 'ocaml*', 'perl*', 'php*',
      'python*', 'r', 'r-*', 'racket', 'ruby', 'sas', 'scala*', 'stata', 'swift*', 'tcl*', 'zig',
      // Libraries.
      '.net*', 'agent', 'ahc', 'alamofire', 'feign*', 'finch', 'got', 'http', 'httr', 'httr2', 'http-client', 'http-kit', 'httpclient', 'hyper', 'ky',
      'mint', 'needle', 'package http', 'req', 'request', 'requests', 'rest-client', 'rest::client', 'resty', 'superagent', 'surf', 'tesla',
      // Tools.
      'aria2*', 'axel', 'conda', 'curlie', 'dav*', 'docker*', 'fetch', 'git', 'git-*', 'helm*', 'jetty', 'lftp', 'mamba', 'neon',
      'nextflow', 'npm', 'paw', 'pip', 'pnpm', 'poetry', 'rapidapi', 'saxon*', 'snakemake', 'svn*', 'uv', 'wget*', 'xh', 'yarn',
      'bruno*', 'containerd', 'containers', 'cri-o', 'dalvik', 'excel*', 'fdm', 'folx', 'insomnia*', 'jdownloader*', 'lavf*',
      'rstudio*', 'tableau*', 'knime*', 'winscp*', 'filezilla*', 'cyberduck*', 'uget', 'motrix', 'outlook*', 'word', 'microsoft*',
      'apidog*', 'artifactory*', 'azsdk-*', 'azure-*', 'skopeo', 'buildah', 'buildkit', 'podman', 'harbor-*', 'gvfs*', 'globus*',
      'axis', 'buzz', 'dexador', 'drakma', 'eventmachine httpclient', 'furl', 'gsoap', 'gstreamer*', 'mendeley*',
      'octave*', 'snoopy', 'wininet',
      'dataverse*', 'pydataverse*', 'datalad*', 'jupyter*', 'qgis*', 'arcgis*', 'galaxy', 'zotero', 'opendap*', 'netcdf*',
    ],
    /** Unambiguous anywhere in the agent. */
    anywhere: [
      // Libraries.
      'akka-http', 'anyevent-http', 'apache cxf', 'apache-cxf', 'boost.beast', 'em-http-request', 'http-tiny', 'laminas_http_client', 'libfetch', 'libsoup',
      'pecl::http', 'pekko-http', 'souphttpsrc', 'vert.x-webclient', 'apache-httpasyncclient', 'apache-httpclient', 'attohttpc', 'axios',
      'babashka*', 'cfnetwork', 'clj-http*', 'cohttp', 'commons-httpclient', 'cpp-httplib', 'cpprestsdk', 'electron-fetch', 'embarcadero*', 'excon', 'faraday',
      'fasthttp', 'flurl*', 'google-api-*', 'google-http-java-client', 'gorequest', 'grpc-*', 'guzzle', 'guzzlehttp', 'hackney', 'http.jl', 'http.rb',
      'http_request2', 'http4s*', 'httparty', 'httpoison', 'httprs', 'httpunit', 'isahc', 'jersey', 'java', 'jsdom', 'ktor*', 'libcurl*', 'libwww-perl', 'libwww',
      'lwp::*', 'lwp-*', 'mechanize', 'mojolicious*', 'node-fetch', 'node-superagent', 'okhttp', 'network-okhttp3', 'okhttp3*', 'pycurl', 'python-*',
      'quic-go*', 'r-curl', 'rcurl', 'reactornetty', 'refit', 'reqwest', 'restsharp', 'retrofit*', 'scalaj-http', 'sttp*', 'symfony httpclient*',
      'typhoeus', 'undici', 'unirest*', 'ureq', 'urllib*', 'winhttp', 'winhttp.winhttprequest*', 'wolfram*', 'www-mechanize', 'zend_http_client*',
      'zinc http components', 'aiohttp', 'httplib2', 'httpx', 'niquests', 'treq', 'curb', 'uclient-fetch', 'urlgrabber', 'libdnf', 'net::http',
      // Tools.
      'apache-maven*', 'aws-cli*', 'aws-sdk-*', 'boto', 'boto3', 'botocore', 'cernopendata*', 'cadaver', 'clickhouse*', 'curl', 'davfs2', 'davx5*',
      'download master', 'download ninja', 'downthemall*', 'duckdb*', 'flashget*', 'free download manager*', 'fsspec*', 'gallery-dl', 'gdal*', 'getright*', 'git-annex', 'git-lfs',
      'google-cloud-sdk', 'gsutil', 'httpie', 'intellij http client', 'internet download manager', 'libreoffice*', 'microsoft bits', 'microsoft-webdav-*', 'microsoft.data.mashup*',
      'minio*', 'nghttp2', 'openjdk*', 'openssl', 'mirall', 'ms-office', 'msoffice', 'microsoft office*', 'net download manager', 'netants', 'nextcloud*', 'owncloud*', 'postmanruntime', 'postman*', 'power query*',
      'powerquery*', 'powerbi*', 'powershell', 'windowspowershell', 'rclone', 's3cmd', 's5cmd', 's3fs*', 'thunder client*', 'unidata*', 'vscode-restclient', 'webdavfs',
      'webdavlib', 'webdav', 'wget', 'xtreme download manager', 'yt-dlp', 'hoppscotch*',
    ],
  },
} as const; // prettier-ignore
