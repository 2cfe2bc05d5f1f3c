package org.attune.text.parse.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.testing.CaseReport;
import org.attune.text.TextFixtures;
import org.attune.text.parse.Cuts;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.template.ParseFixtures;
import org.attune.text.parse.turn.FormatParser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Recorded turns in pieces, cut at every place, give what the whole turn gives.
@Tag("fixtures-agents")
class StreamedTurnsFixturesTest {
    private static final Map<String, String> FAMILIES =
            Map.ofEntries(
                    Map.entry("hermes", "tool_call"),
                    Map.entry("llama3", "llama3"),
                    Map.entry("mistral", "mistral"),
                    Map.entry("deepseekv3", "deepseek"),
                    Map.entry("deepseekv31", "deepseek"),
                    Map.entry("pythonic", "llama4"),
                    Map.entry("kimi_k2", "kimi"),
                    Map.entry("glm45", "tool_call"),
                    Map.entry("gpt-oss", "harmony"),
                    Map.entry("qwen3_coder", "tool_call"),
                    Map.entry("minimax-m2", "minimax"));

    @Test
    void describedTurnsDoNotDependOnTheCut() {
        var fixtures = new ParseFixtures();
        var parsers = new HashMap<String, TurnParser>();
        int cuts = 0;
        int asTrl = 0;
        List<ParseFixtures.Case> cases = fixtures.cases();
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (ParseFixtures.Case c : cases) {
                TurnParser parser =
                        parsers.computeIfAbsent(c.template(), name -> parser(fixtures, name));
                report.run(c.id(), () -> Cuts.check(parser, c.prefix(), c.text(), c.tools()));
                cuts += c.text().length() + 2;
                ParsedTurn turn = parser.parse(c.prefix(), c.text(), c.tools());
                asTrl +=
                        ParseFixtures.canonical(c.message())
                                        .equals(ParseFixtures.canonical(turn.message().fields()))
                                ? 1
                                : 0;
            }
        }
        System.out.printf(
                "%d cuts; %d of %d turns are read as TRL reads them%n", cuts, asTrl, cases.size());
        assertTrue(asTrl > 0.65 * cases.size(), asTrl + " turns as TRL's");
    }

    private static TurnParser parser(ParseFixtures fixtures, String name) {
        return new TurnParsers(
                        Optional.of(fixtures.endToken(name)), fixtures.specialTokens(name), false)
                .of(fixtures.responseTemplate(name));
    }

    /// SGLang's detectors lose calls; what they find is found.
    @Test
    void findsTheCallsThatSglangFinds() {
        List<Object> tools =
                TextFixtures.list(Json.parse(TextFixtures.text("agents/parsing/tools.json")));
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("agents/parsing/sglang.jsonl")) {
                String id = (String) row.get("id");
                String family = FAMILIES.get((String) row.get("detector"));
                if (family == null) {
                    report.unsupported(id);
                } else {
                    report.run(id, () -> compare(row, family, tools));
                }
            }
        }
    }

    private static void compare(Map<String, Object> row, String family, List<Object> tools) {
        TurnParser parser =
                Families.all().stream()
                        .filter(f -> f.name().equals(family))
                        .map(f -> new FormatParser(f.format(List.of(), List.of())))
                        .findFirst()
                        .orElseThrow();
        String text = (String) row.get("text");
        Cuts.check(parser, "", text, tools);
        boolean isCut = text.lastIndexOf("<tool_call>") > text.lastIndexOf("</tool_call>");
        if (isCut || text.contains("[CALL_ID]")) {
            return; // a call that was cut is none; SGLang takes the id for a part of the name
        }
        List<String> found =
                parser.parse("", text, tools).calls().stream()
                        .map(StreamedTurnsFixturesTest::shown)
                        .toList();
        List<String> theirs =
                TextFixtures.list(row.get("calls")).stream()
                        .map(TextFixtures::map)
                        .map(
                                call ->
                                        call.get("name")
                                                + ParseFixtures.canonical(
                                                        Json.parse((String) call.get("arguments"))))
                        .toList();
        assertTrue(found.size() >= theirs.size(), found + " has not all of " + theirs);
        assertEquals(theirs, found.subList(0, theirs.size()));
    }

    private static String shown(ToolCall call) {
        return call.name() + ParseFixtures.canonical(call.arguments());
    }
}
