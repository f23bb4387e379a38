import { describe, expect, test } from 'vitest';
import { placeOf } from './place.ts';

/** The page with a mark where the script goes. */
function marked(page: string): string {
  const place = placeOf(page, true);
  return typeof place === 'number' ? `${page.slice(0, place)}|${page.slice(place)}` : place;
}

describe('the place of a script in a page', () => {
  test.each([
    ['<!doctype html><html><head><title>a', '<!doctype html><html><head>|<title>a'],
    ['<!DOCTYPE HTML>\n<HTML lang="en">\n<HEAD>\n<title>', '<!DOCTYPE HTML>\n<HTML lang="en">\n<HEAD>|\n<title>'],
    ['<html><head data-a=">" class=\'>\'><meta>', '<html><head data-a=">" class=\'>\'>|<meta>'],
    ['<!doctype html><title>a</title>', '<!doctype html>|<title>a</title>'],
    ['<!doctype html>\n<html><body>a', '<!doctype html>\n<html>|<body>a'],
    ['<!-- <head> --><!doctype html><html><!-- a --><head>a', '<!-- <head> --><!doctype html><html><!-- a --><head>|a'],
    [
      '<?xml version="1.0"?><!DOCTYPE html PUBLIC "a" "b"><html><head/>a',
      '<?xml version="1.0"?><!DOCTYPE html PUBLIC "a" "b"><html><head/>|a',
    ],
    ['\u00ef\u00bb\u00bf<!doctype html><head>a', '\u00ef\u00bb\u00bf<!doctype html><head>|a'],
    ['<html><header>a', '<html>|<header>a'],
    ['<!doctype html>text', '<!doctype html>|text'],
    ['<!--><html><head>a', '<!--><html><head>|a'],
  ])('in %j is %j', (page, expected) => {
    expect(marked(page)).toBe(expected);
  });

  test.each([
    '',
    '   ',
    'text',
    '<div>a</div>',
    '<p><html><head>',
    '<!-- a -->',
    '{"a":1}',
    '\u00ff\u00fe<\u0000h\u0000',
    '<htmlx>',
    '<head',
  ])('does not exist in a text that is not a whole page: %j', (page) => {
    expect(marked(page)).toBe('nowhere');
  });

  test('is the same however the page is cut into pieces', () => {
    const page =
      '\n<!-- a --><!doctype html>\n<html lang="a>b">\n <!-- <head> -->\n<head data-a=">"><title>a</title></head>';
    const whole = placeOf(page, true);
    for (let length = 0; length < page.length; length += 1) {
      const place = placeOf(page.slice(0, length), false);
      expect([whole, 'later']).toContain(place);
    }
  });

  test('is searched only in the first 64 KiB', () => {
    expect(placeOf(`<!--${'x'.repeat(64 * 1024)}`, false)).toBe('nowhere');
    expect(placeOf(`<!--${'x'.repeat(60 * 1024)}`, false)).toBe('later');
  });
});
