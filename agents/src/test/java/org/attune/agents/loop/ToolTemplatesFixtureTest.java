package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// Chat templates that know tools can show what tools answer behind a turn, or say why not.
@Tag("fixtures-text")
final class ToolTemplatesFixtureTest {
    /// Tokens that end turns of known families.
    static final List<String> ENDS =
            List.of(
                    "<|im_end|>",
                    "<|eot_id|>",
                    "<|eom_id|>",
                    "<|end|>",
                    "<|call|>",
                    "<|return|>",
                    "<|observation|>",
                    "<|user|>",
                    "<turn|>",
                    "<|tool_response>",
                    "<｜end▁of▁sentence｜>",
                    "<|END_OF_TURN_TOKEN|>",
                    "<|end_of_text|>",
                    "<|eot|>",
                    "[e~[",
                    "<seed:eos>",
                    "<|assistant_end|>",
                    "<|tools_suffix|>");

    @Test
    void everyTemplateThatKnowsTools() throws IOException {
        int checked = 0;
        int refused = 0;
        try (var report = new CaseReport("fixtures-text", getClass());
                Stream<Path> files = Files.list(Fixtures.fixture("text/templates"))) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                String source = name.endsWith(".jinja") ? Files.readString(file) : "";
                if (!source.contains("tool")) {
                    continue;
                }
                checked++;
                try {
                    check(name, source);
                    report.run(name, () -> {});
                } catch (ConfigException e) {
                    refused++;
                    report.unsupported(name);
                }
            }
        }
        assertTrue(refused <= checked / 10, refused + " of " + checked + " refused");
    }

    private static void check(String name, String source) {
        List<String> controls = new ArrayList<>(ENDS.stream().filter(source::contains).toList());
        if (source.contains("eos_token")) {
            controls.add("<EOS>");
        }
        var tokens = new GreedyTokens(controls, List.of("\n\n"));
        var specials = new SpecialTokens(Map.of("bos_token", "<BOS>", "eos_token", "<EOS>"));
        var template = JinjaChatTemplate.compile(name, source, specials);
        var chat = new ChatTokenizer(tokens, CompleteTemplate.of(template));
        for (int end = 0; end < controls.size(); end++) {
            new TemplateCodec(chat, Map.of(), Set.of(end)).check();
        }
    }
}
