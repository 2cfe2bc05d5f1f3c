package org.attune.text.parse.protocol;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.text.ChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.family.Family;
import org.attune.text.parse.template.ResponseFormat;
import org.attune.text.parse.template.ResponseTemplate;
import org.attune.text.parse.template.TrlTurnParser;
import org.attune.text.parse.turn.FormatParser;

import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

/// Finds the parser of a model's turns: by the `response_template` in its folder, or else by what
/// its chat template writes.
///
/// @param endToken of the tokenizer
/// @param specialTokens of the tokenizer: control tokens, that are no text
/// @param trlCompat whether to read turns as TRL does, faults included
@Api(EXPERIMENTAL)
public record TurnParsers(
        Optional<String> endToken, List<String> specialTokens, boolean trlCompat) {
    public TurnParsers {
        specialTokens = List.copyOf(specialTokens);
    }

    /// The parsers for a tokenizer's end token and control tokens.
    public static TurnParsers of(Tokenizer tokenizer, SpecialTokens specials, boolean trlCompat) {
        List<String> controls =
                tokenizer.addedTokens().stream()
                        .filter(token -> tokenizer.id(token).isPresent())
                        .filter(
                                token ->
                                        tokenizer
                                                .decode(
                                                        new int[] {tokenizer.id(token).getAsInt()},
                                                        true)
                                                .isEmpty())
                        .toList();
        return new TurnParsers(specials.eos(), controls, trlCompat);
    }

    /// The parser of a model in a folder; empty if it writes no calls in any form that is known.
    ///
    /// @throws org.attune.error.ModelException if `response_template` is malformed
    public Optional<TurnParser> of(Path folder, ChatTemplate template) {
        Optional<ResponseTemplate> own =
                TextAssets.responseTemplate(folder)
                        .map(value -> ResponseTemplate.read(folder.toString(), value));
        return own.isPresent() ? own.map(this::of) : of(template);
    }

    /// The parser that a response template describes. Where Attune knows the form better, because
    /// the template takes text for calls or doesn't know all ways to write them, its own.
    public TurnParser of(ResponseTemplate own) {
        if (trlCompat) {
            return new TrlTurnParser(own, endToken, specialTokens);
        }
        return known(own)
                .map(family -> (TurnParser) new FormatParser(family.format(ends(), List.of())))
                .orElseGet(() -> new FormatParser(ResponseFormat.of(own, endToken, specialTokens)));
    }

    private static Optional<Family> known(ResponseTemplate own) {
        if (own.opens("tool_calls", "<|tool_call_start|>")) {
            return Optional.of(Families.LFM);
        }
        if (own.opens("tool_calls", "to=functions")) {
            return Optional.of(Families.HARMONY);
        }
        return own.opens("tool_calls", "\"parameters\"")
                ? Optional.of(Families.LLAMA_3)
                : Optional.empty();
    }

    private List<String> ends() {
        return endToken.stream().toList();
    }

    /// The parser of what a chat template writes; empty if it writes no calls in a known form.
    /// To do as TRL is possible for the families whose turns it reads.
    public Optional<TurnParser> of(ChatTemplate template) {
        var probe = new TemplateProbe(template);
        Optional<ResponseTemplate> asTrl = trlCompat ? TrlTemplates.of(probe) : Optional.empty();
        return asTrl.isPresent()
                ? asTrl.map(this::of)
                : probe.family().map(family -> parser(family, probe));
    }

    /// The parser of turns without calls.
    TurnParser plain(TemplateProbe probe) {
        return parser(Families.PLAIN, probe);
    }

    TurnParser parser(Family family, TemplateProbe probe) {
        var ends = new LinkedHashSet<>(probe.ends());
        endToken.ifPresent(ends::add);
        return new FormatParser(family.format(ends, probe.headers()));
    }
}
