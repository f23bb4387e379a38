import { describe, expect, test } from 'vitest';
import { judgeAgent } from './agents.ts';

describe('a user agent', () => {
  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'browser', 'names itself a browser'],
    ['Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18', 'browser', 'names itself a browser'],
    // Both are on COUNTER's list, but people's programs use them.
    ['curl/8.5.0', 'tool', 'general-purpose tool'],
    ['okhttp/4.12.0', 'tool', 'general-purpose tool'],
    ['HerbariumDesk/2.1 (Mac OS X 14.5)', 'program', 'on no list'],
    ['Mozilla/5.0 (compatible; Nutch)', 'bot', 'COUNTER: nutch'],
    ['', 'bot', 'COUNTER: ^.?$'],
    ['-', 'bot', 'COUNTER: ^.?$'],
    ['ExampleHarvestingThing/1.0', 'bot', 'COUNTER: harvest'],
    ['Example/1.0', 'bot', 'isbot'],
    ['Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)', 'ai_agent', 'AI agent: GPTBot'],
    ['Mozilla/5.0 AppleWebKit/537.36; compatible; Claude-User/1.0', 'ai_agent', 'AI agent: Claude-User'],
    // An agent's name must be a whole word: this is not `Code`.
    ['Mozilla/5.0 (Macintosh) Xcode/15.0 Safari/605.1', 'browser', 'names itself a browser'],
    // Somebody watches or listens: whoever does is no machine, though isbot takes most players for robots.
    ['VLC/3.0.18 LibVLC/3.0.18', 'browser', 'media player'],
    ['mpv 0.35.0', 'browser', 'media player'],
    ['MPlayer 1.4', 'browser', 'media player'],
    ['Lecture/1.0 (Linux;Android 11) ExoPlayerLib/2.18.1', 'browser', 'media player'],
    // A library that scripts use as players do.
    ['Lavf/60.3.100', 'tool', 'general-purpose tool'],
    // The system's player on phones of Apple; but the list has it, and the list has to be left out.
    ['AppleCoreMedia/1.0.0.19H12 (iPhone; U; CPU OS 15_7 like Mac OS X; en_us)', 'bot', 'COUNTER: core'],
    // A robot may name a player that it wants to be taken for.
    ['VLC/3.0.18 ExampleCrawler/1.0', 'bot', 'COUNTER: crawl'],
    ['pyclowder/3.0.8', 'extractor', 'names itself an extractor'],
  ])('%j is %s, because: %s', (userAgent, agent, reason) => {
    expect(judgeAgent(userAgent)).toEqual({ agent, reason });
  });
});
