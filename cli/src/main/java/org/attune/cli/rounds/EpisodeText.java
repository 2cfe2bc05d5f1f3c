package org.attune.cli.rounds;

import org.attune.cli.terminal.VisibleText;
import org.attune.episode.Episode;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.text.Message;
import org.attune.text.Tokenizer;
import org.attune.text.parse.ToolCall;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// A recorded episode as text for a person: what the model wrote stands behind `>`, all else behind
/// `|`.
///
/// @param tokenizer shows tokens instead of messages; borrowed
/// @param isColoured whether what the model wrote is bold too
record EpisodeText(Optional<Tokenizer> tokenizer, boolean isColoured) {
    private static final String BOLD = "\u001b[1m";
    private static final String PLAIN = "\u001b[0m";

    /// The weighted sum of what judged it, NaN if nothing did.
    static double total(RecordedCompletion one) {
        double sum = 0;
        boolean any = false;
        for (Map.Entry<String, Double> reward : one.rewards().entrySet()) {
            if (!reward.getValue().isNaN()) {
                any = true;
                sum += reward.getValue() * weight(one, reward.getKey());
            }
        }
        return any ? sum : Double.NaN;
    }

    private static double weight(RecordedCompletion one, String name) {
        double weight = one.weights().getOrDefault(name, Double.NaN);
        return Double.isNaN(weight) ? 1 : weight;
    }

    String of(RecordedCompletion one) {
        SampledCompletion sampled = one.sampled();
        var text = new StringBuilder();
        text.append("=== round %d".formatted(one.round()));
        sampled.episode()
                .ifPresent(
                        e ->
                                text.append(
                                        ", episode %d, seed %d"
                                                .formatted(
                                                        e.start().id().place(), e.start().seed())));
        text.append(", %d own of %d tokens%n".formatted(sampled.ownTokens(), sampled.ids().length));
        if (sampled.episode().isPresent()) {
            episode(sampled.episode().get(), text);
        } else if (tokenizer.isPresent()) {
            block(tokenizer.get().decode(one.prompt(), false), false, text);
            block(tokenizer.get().decode(sampled.ids(), false), true, text);
        } else {
            block("(tokens alone; --model MODEL shows their text)", false, text);
        }
        text.append(end(one));
        return text.toString();
    }

    private void episode(Episode episode, StringBuilder text) {
        if (tokenizer.isPresent()) {
            block(tokenizer.get().decode(episode.promptIds(), false), false, text);
        } else {
            episode.prompt().forEach(m -> block(said(m), false, text));
        }
        for (int t = 0; t < episode.turns().size(); t++) {
            turn(t, episode.turns().get(t), text);
        }
    }

    private void turn(int number, Turn turn, StringBuilder text) {
        text.append("--- turn %d".formatted(number + 1));
        text.append(turn.role().isEmpty() ? "" : ", " + turn.role());
        text.append(", %d tokens".formatted(turn.ids().length));
        text.append(turn.isFinished() ? "" : ", cut");
        text.append(turn.reward() == 0 ? "" : ", reward " + number(turn.reward()));
        text.append(System.lineSeparator());
        if (tokenizer.isPresent()) {
            block(tokenizer.get().decode(turn.ids(), false), true, text);
        } else {
            turn.parsed()
                    .ifPresent(
                            parsed -> {
                                thinking(parsed.message(), text);
                                if (!parsed.message().content().isEmpty()) {
                                    block(parsed.message().content(), true, text);
                                }
                                parsed.calls().forEach(c -> block(called(c), true, text));
                                parsed.problems().forEach(p -> block("problem: " + p, false, text));
                            });
        }
        for (ToolOutcome outcome : turn.outcomes()) {
            block(
                    "%s %s: %s"
                            .formatted(
                                    outcome.call().name(),
                                    outcome.kind().name().toLowerCase(Locale.ROOT),
                                    outcome.text()),
                    false,
                    text);
        }
        if (turn.outcomes().isEmpty()) {
            turn.answers().forEach(m -> block(said(m), false, text));
        }
    }

    private void thinking(Message message, StringBuilder text) {
        Object thought = message.fields().get("reasoning_content");
        if (thought instanceof String words && !words.isEmpty()) {
            block("(thinks) " + words, true, text);
        }
    }

    private static String said(Message message) {
        return message.role() + ": " + message.content();
    }

    private static String called(ToolCall call) {
        return "calls %s(%s)".formatted(call.name(), call.argumentText());
    }

    private void block(String content, boolean isOwn, StringBuilder text) {
        for (String line : VisibleText.ofLines(content).split("\n", -1)) {
            text.append(isOwn ? "> " : "| ");
            text.append(isOwn && isColoured ? BOLD + line + PLAIN : line);
            text.append(System.lineSeparator());
        }
    }

    private static String end(RecordedCompletion one) {
        String rewards =
                one.rewards().entrySet().stream()
                        .map(
                                r ->
                                        r.getKey()
                                                + " "
                                                + (r.getValue().isNaN()
                                                        ? "none"
                                                        : number(r.getValue())))
                        .collect(Collectors.joining(", "));
        String ended =
                one.sampled()
                        .episode()
                        .map(e -> e.end().key())
                        .orElse(one.sampled().reason().finishReason());
        double total = total(one);
        return "=== end: %s; rewards: %s; sum %s%n"
                .formatted(
                        ended,
                        rewards.isEmpty() ? "none" : rewards,
                        Double.isNaN(total) ? "none" : number(total));
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value).replaceFirst("\\.?0+$", "");
    }
}
