import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startStandIn, type StandIn } from '../support/stand-in.ts';
import { runScenarios, type ScenarioRun } from '../support/run-scenarios.ts';
import { keysWithMeaning, routeRows } from '../clowder/routes.ts';
import { scenariosOf, WITHOUT_SCENARIO } from '../stand-in/scenarios.ts';

describe.each(['v1', 'v2'] as const)('the stand-in Clowder %s', (version) => {
  let standIn: StandIn;
  let runs: readonly ScenarioRun[];

  beforeAll(async () => {
    standIn = await startStandIn(version);
    runs = await runScenarios(standIn.url, scenariosOf(version));
  });

  afterAll(async () => {
    await standIn.stop();
  });

  test('has a scenario for every row of the route table that bears an event, or a reason for having none', () => {
    const covered = new Set(scenariosOf(version).flatMap(({ covers = [] }) => covers));
    const bearing = keysWithMeaning(version);
    // A filter that finds nothing would accept every row.
    expect(bearing.length).toBeGreaterThan(40);
    expect(bearing.filter((key) => !covered.has(key))).toEqual(Object.keys(WITHOUT_SCENARIO[version]));
  });

  test('has no scenario for a row that is not in the route table', () => {
    const keys = new Set(routeRows(version).map(({ key }) => key));
    const strays = scenariosOf(version).flatMap(({ covers = [] }) => covers.filter((key) => !keys.has(key)));
    expect(strays).toEqual([]);
  });

  test('has no two scenarios with the same name', () => {
    const names = scenariosOf(version).map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('answers every scenario with the expected statuses', () => {
    const statuses = (list: readonly { name: string; statuses: readonly number[] }[]): readonly string[] =>
      list.map((one) => `${one.name}: ${one.statuses.join(' ')}`).toSorted();
    expect(statuses(runs)).toEqual(statuses(scenariosOf(version)));
  });
});
