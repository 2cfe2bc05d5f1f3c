package org.attune.text.parse.protocol;

import org.attune.json.Json;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.family.Family;
import org.attune.text.parse.template.ResponseTemplate;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/// Descriptions of turns that read them as TRL does, for the families whose turns TRL reads. It
/// knows them by the text of their chat templates; here it is what they write.
final class TrlTemplates {
    private static final String FILE = "trl-templates.json";

    private TrlTemplates() {}

    /// The description for a chat template; empty if TRL has none.
    static Optional<ResponseTemplate> of(TemplateProbe probe) {
        return probe.family()
                .flatMap(family -> form(family, probe))
                .or(() -> thinking(probe))
                .map(TrlTemplates::named);
    }

    private static Optional<String> form(Family family, TemplateProbe probe) {
        if (family.equals(Families.TOOL_CALL)) {
            return Optional.of(toolCall(probe));
        }
        return switch (family.name()) {
            case "llama3", "harmony", "lfm2", "gemma4" -> Optional.of(family.name());
            default -> Optional.empty();
        };
    }

    private static String toolCall(TemplateProbe probe) {
        if (probe.writes("<arg_key>")) {
            return "keys";
        }
        if (!probe.writes("<function=")) {
            return "json";
        }
        return probe.writesBeforeAnswers("<think></think>")
                ? "parameters after thought"
                : "parameters";
    }

    /// Distilled models of DeepSeek R1, whose prompts begin the reasoning.
    private static Optional<String> thinking(TemplateProbe probe) {
        return probe.writesInPrompts("<｜Assistant｜><think>\n")
                ? Optional.of("deepseek")
                : Optional.empty();
    }

    static ResponseTemplate named(String form) {
        try (InputStream file = TrlTemplates.class.getResourceAsStream(FILE)) {
            var text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            return ResponseTemplate.read(FILE, ((Map<?, ?>) Json.parse(text)).get(form));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
