import { json, type AnswerMaker } from '../answer.ts';
import { jobOut, notFound, paged } from './models.ts';

/** Polled by every open page that shows jobs. */
export const list: AnswerMaker = (_asked, store) => json(paged(store.jobs().map(jobOut)));

export const summary: AnswerMaker = ({ params }, store) => {
  const job = store.job(params['id'] ?? '');
  return job === undefined ? json(notFound(`Job ${params['id'] ?? ''}`), 404) : json(jobOut(job));
};

export const noneOfThem: AnswerMaker = () => json(paged([]));
export const noUpdates: AnswerMaker = () => json([]);
