package org.attune.reward.judge;

import org.attune.hash.Sha256;
import org.attune.reward.Completion;
import org.attune.reward.RewardBatch;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/// A question to a judge, with the completions that its answer is about.
///
/// @param text what it is asked
/// @param answers how many answers it shows; those that are equal are shown once
/// @param places of the completions in their batch
/// @param shown which answer each of them is, from 0
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record JudgeQuestion(String text, int answers, int[] places, int[] shown) {
    /// Questions about each completion by itself; those that lack a column give none.
    public static List<JudgeQuestion> single(
            RewardBatch batch, JudgePrompt prompt, JudgeScale scale) {
        return single(batch, prompt, scale, JudgeAnswer.format(scale));
    }

    /// Questions about each completion by itself, with a text on how to write the score;
    /// completions that lack a column give none.
    ///
    /// @param format how the score is to be written
    public static List<JudgeQuestion> single(
            RewardBatch batch, JudgePrompt prompt, JudgeScale scale, String format) {
        var questions = new ArrayList<JudgeQuestion>();
        for (int i = 0; i < batch.size(); i++) {
            Optional<Map<String, String>> values = values(batch, i, prompt, scale);
            if (values.isPresent()) {
                Completion completion = batch.completions().get(i);
                values.get().put("completion", completion.text());
                values.get().put("transcript", JudgedText.transcript(completion));
                values.get().put("format", format);
                String text = prompt.filled(values.get());
                questions.add(new JudgeQuestion(text, 1, new int[] {i}, new int[] {0}));
            }
        }
        return questions;
    }

    /// Questions about completions that follow each other and have the same prompt and columns.
    /// Their order is drawn from the seed and what they say, so that no place is favoured and the
    /// same group is always asked about in the same way.
    static List<JudgeQuestion> group(
            RewardBatch batch, JudgePrompt prompt, JudgeScale scale, long seed) {
        var questions = new ArrayList<JudgeQuestion>();
        int from = 0;
        for (int i = 1; i <= batch.size(); i++) {
            if (i == batch.size() || !isAlike(batch, from, i)) {
                group(batch, from, i, prompt, scale, seed).ifPresent(questions::add);
                from = i;
            }
        }
        return questions;
    }

    private static boolean isAlike(RewardBatch batch, int one, int other) {
        return batch.prompts().get(one).equals(batch.prompts().get(other))
                && batch.columns().values().stream()
                        .allMatch(c -> Objects.equals(c.get(one), c.get(other)));
    }

    private static Optional<JudgeQuestion> group(
            RewardBatch batch, int from, int to, JudgePrompt prompt, JudgeScale scale, long seed) {
        Optional<Map<String, String>> values = values(batch, from, prompt, scale);
        if (values.isEmpty()) {
            return Optional.empty();
        }
        List<String> texts = new ArrayList<>();
        for (int i = from; i < to; i++) {
            texts.add(JudgedText.transcript(batch.completions().get(i)));
        }
        List<String> shuffled = drawn(seed, values.get().get("prompt"), new TreeSet<>(texts));
        var shown = new StringBuilder();
        for (int n = 0; n < shuffled.size(); n++) {
            shown.append("## Answer %d%n".formatted(n + 1).replace("\r", ""));
            shown.append(shuffled.get(n)).append("\n\n");
        }
        values.get().put("completions", shown.toString().stripTrailing());
        values.get().put("format", JudgeAnswer.format(scale, shuffled.size()));
        int[] places = new int[to - from];
        int[] numbers = new int[to - from];
        for (int i = 0; i < places.length; i++) {
            places[i] = from + i;
            numbers[i] = shuffled.indexOf(texts.get(i));
        }
        String text = prompt.filled(values.get());
        return Optional.of(new JudgeQuestion(text, shuffled.size(), places, numbers));
    }

    /// Texts by a hash of all of them and each: a draw that needs no state.
    ///
    /// @param texts sorted, so that the order of arrival doesn't count
    private static List<String> drawn(long seed, String prompt, SortedSet<String> texts) {
        String all = Sha256.hex(seed + "\0" + prompt + "\0" + String.join("\0", texts));
        return texts.stream().sorted(Comparator.comparing(text -> Sha256.hex(all + text))).toList();
    }

    /// Values of the places that completions don't fill; empty if the row lacks a column.
    private static Optional<Map<String, String>> values(
            RewardBatch batch, int row, JudgePrompt prompt, JudgeScale scale) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("prompt", JudgedText.of(batch.prompts().get(row)));
        values.put("low", String.valueOf(scale.low()));
        values.put("high", String.valueOf(scale.high()));
        for (String name : prompt.columns()) {
            List<Object> column = batch.columns().get(name);
            Object value = column == null ? null : column.get(row);
            if (value == null) {
                return Optional.empty();
            }
            values.put(name, JudgedText.column(value));
        }
        return Optional.of(values);
    }
}
