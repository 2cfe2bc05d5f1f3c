package org.attune.text.parse.template;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.testing.CaseReport;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Turns of ten families, read as TRL reads them.
@Tag("fixtures-agents")
class TrlParsingFixturesTest {
    @Test
    void readsTurnsAsTrlDoes() {
        var fixtures = new ParseFixtures();
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (ParseFixtures.Case c : fixtures.cases()) {
                report.run(c.id(), () -> check(fixtures, c));
            }
        }
    }

    private static void check(ParseFixtures fixtures, ParseFixtures.Case c) {
        ParsedTurn turn = fixtures.trl(c.template()).parse(c.prefix(), c.text(), c.tools());
        assertEquals(
                ParseFixtures.canonical(c.message()),
                ParseFixtures.canonical(turn.message().fields()));
        assertEquals(c.fallback(), turn.isFallback());
    }
}
