package org.attune.text.parse.protocol;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.text.ChatTemplate;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.TurnParser;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// Finds the tool protocol of a model.
///
/// @param parsers finds the parsers of turns
@Api(EXPERIMENTAL)
public record ToolProtocols(TurnParsers parsers) {
    /// The values of `tool_protocol`.
    public enum Choice {
        /// The chat template's own if it knows tools, else `hermes`; `line` without a template.
        AUTO,
        /// The chat template's own.
        TEMPLATE,
        /// JSON between tags, as Qwen and Hermes write it.
        HERMES,
        /// A call on a line: `call calc 12*7`.
        LINE;

        /// The choice of a key's value.
        ///
        /// @throws ConfigException if there is none
        public static Choice of(String value) {
            for (Choice choice : values()) {
                if (choice.key().equals(value)) {
                    return choice;
                }
            }
            throw new ConfigException(
                    "tool_protocol is %s; it can be auto, template, hermes or line"
                            .formatted(value));
        }

        /// The value that names it.
        public String key() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// The protocol of a model.
    ///
    /// @param folder of the model
    /// @param template its chat template, if it has one
    /// @throws ConfigException if the choice needs what the model doesn't have
    public ToolProtocol of(Choice choice, Path folder, Optional<ChatTemplate> template) {
        return of(choice, template, given -> parsers.of(folder, given));
    }

    /// The protocol of a model whose folder says nothing of parsers.
    public ToolProtocol of(Choice choice, Optional<ChatTemplate> template) {
        return of(choice, template, parsers::of);
    }

    private ToolProtocol of(
            Choice choice,
            Optional<ChatTemplate> template,
            Function<ChatTemplate, Optional<TurnParser>> find) {
        Optional<TemplateProbe> probe = template.map(TemplateProbe::new);
        Optional<ToolProtocol> own = template.flatMap(find).map(TemplateProtocol::new);
        boolean showsTools = probe.filter(TemplateProbe::showsTools).isPresent();
        return switch (choice) {
            case AUTO ->
                    own.filter(_ -> showsTools)
                            .orElseGet(() -> template.isPresent() ? hermes(probe) : line(probe));
            case TEMPLATE -> own.orElseThrow(() -> refused(showsTools));
            case HERMES -> hermes(probe);
            case LINE -> line(probe);
        };
    }

    private static ConfigException refused(boolean showsTools) {
        return new ConfigException(
                "tool_protocol is template, but the model's chat template "
                        + (showsTools
                                ? "writes calls in no form that is known; give response_template in"
                                        + " tokenizer_config.json, or tool_protocol: hermes"
                                : "knows no tools; use tool_protocol: hermes or line"));
    }

    private List<String> ends(Optional<TemplateProbe> probe) {
        return Stream.concat(
                        probe.stream().flatMap(p -> p.ends().stream()), parsers.endToken().stream())
                .distinct()
                .toList();
    }

    private ToolProtocol hermes(Optional<TemplateProbe> probe) {
        List<String> headers = probe.map(p -> List.copyOf(p.headers())).orElse(List.of());
        return new HermesProtocol(ends(probe), headers, probe.isEmpty(), showsSystem(probe));
    }

    private ToolProtocol line(Optional<TemplateProbe> probe) {
        return new LineProtocol(ends(probe), probe.isEmpty(), showsSystem(probe));
    }

    private static boolean showsSystem(Optional<TemplateProbe> probe) {
        return probe.map(TemplateProbe::showsSystem).orElse(true);
    }
}
