package org.attune.text.parse.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.testing.CaseReport;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.text.TextFixtures;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.template.ParseFixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Our descriptions of turns, chosen by what chat templates write, read them as TRL's do.
@Tag("fixtures-agents")
class TrlTemplatesFixturesTest {
    /// A chat template of the text fixtures for each of TRL's descriptions.
    private static final Map<String, String> TEMPLATES =
            new TreeMap<>(
                    Map.of(
                            "qwen3_template", "qwen3",
                            "qwen3_5_template", "qwen3_6",
                            "nemotron_3_template", "nemotron_3_nano",
                            "llama3_template", "llama3_1",
                            "glm4moe_template", "glm4moe",
                            "gptoss_template", "gptoss",
                            "gemma4_template", "gemma4_v5",
                            "lfm2_2_5_template", "lfm2",
                            "deepseek_r1_distill_template", "deepseek_r1_distill"));

    @Test
    void readsTurnsAsTrlDoes() {
        var fixtures = new ParseFixtures();
        var parsers = new TreeMap<String, TurnParser>();
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (ParseFixtures.Case c : fixtures.cases()) {
                String trl = c.template();
                if (TEMPLATES.containsKey(trl)) {
                    report.run(
                            c.id(),
                            () ->
                                    check(
                                            parsers.computeIfAbsent(
                                                    trl, name -> parser(fixtures, name)),
                                            c));
                } else {
                    report.unsupported(c.id());
                }
            }
        }
    }

    private static void check(TurnParser parser, ParseFixtures.Case c) {
        ParsedTurn turn = parser.parse(c.prefix(), c.text(), c.tools());
        assertEquals(
                ParseFixtures.canonical(c.message()),
                ParseFixtures.canonical(turn.message().fields()));
        assertEquals(c.fallback(), turn.isFallback());
    }

    private static TurnParser parser(ParseFixtures fixtures, String trl) {
        String name = TEMPLATES.get(trl);
        boolean isDistill = name.equals("deepseek_r1_distill");
        String source =
                isDistill
                        ? "{% for m in messages %}{% if m.role == 'user' %}<｜User｜>{{ m.content }}"
                                + "{% else %}<｜Assistant｜>{{ m.content }}{% endif %}{% endfor %}"
                                + "{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}"
                        : TextFixtures.text("text/templates/" + name + ".jinja");
        var template = JinjaChatTemplate.compile(name, source, SpecialTokens.none());
        return new TurnParsers(
                        Optional.of(fixtures.endToken(trl)), fixtures.specialTokens(trl), true)
                .of(template)
                .orElseThrow();
    }
}
