import { describe, expect, it } from 'vitest';
import { eventOfStatus, readStatus, statusWord } from './status-words.ts';

describe('a status', () => {
  it.each([
    ['StatusMessage.start: Started processing.', 'start', 'Started processing.'],
    ['StatusMessage.processing: Uploading file metadata.', 'processing', 'Uploading file metadata.'],
    [
      'StatusMessage.error: Error in subprocess [exit code=1]:\nno: such file',
      'error',
      'Error in subprocess [exit code=1]:\nno: such file',
    ],
    ['StatusMessage.retry: (#1) try again', 'retry', '(#1) try again'],
    ['StatusMessage.skip: Skipped in check_message', 'skip', 'Skipped in check_message'],
    ['StatusMessage.done: Done processing.', 'done', 'Done processing.'],
    ['STARTED: Started processing.', 'start', 'Started processing.'],
    ['SUCCEEDED: Done processing.', 'done', 'Done processing.'],
    ['RESUBMITTED: again', 'retry', 'again'],
    ['DONE', 'done', undefined],
    ['SUBMITTED', 'submitted', undefined],
    ['Cancel Requested', 'cancel requested', undefined],
    ['Cancel Success', 'cancelled', undefined],
    ['Cancel Failed', 'cancel failed', undefined],
    ['Started processing.', 'start', 'Started processing.'],
    ['http: 12 tiles', 'processing', 'http: 12 tiles'],
    ['tiling', 'processing', 'tiling'],
    ['', 'processing', undefined],
  ])('%j is %s', (status, word, message) => {
    expect(readStatus(status)).toEqual({ word, message });
  });

  it.each([
    ['submitted', 'extraction.queued'],
    ['start', 'extraction.working'],
    ['processing', 'extraction.working'],
    ['retry', 'extraction.working'],
    ['cancel requested', 'extraction.working'],
    ['cancel failed', 'extraction.working'],
    ['done', 'extraction.done'],
    ['skip', 'extraction.done'],
    ['error', 'extraction.failed'],
    ['cancelled', 'extraction.failed'],
  ] as const)('%s makes %s', (word, event) => {
    expect(eventOfStatus(word)).toBe(event);
  });

  it.each(['CREATED', 'STARTED', 'PROCESSING', 'SUCCEEDED', 'ERROR', 'SKIPPED', 'RESUBMITTED'])(
    '%s of Clowder v2 is known',
    (status) => {
      expect(statusWord(status)).toBeDefined();
    },
  );
});
