package org.attune.trainers.prepare;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.StepTokens;
import org.attune.trainers.examples.PreferenceExample;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/// Prepares rows for a reward model that is asked, not trained: as the same rows are tokenised in
/// training, whole.
public final class ScoringPreparation {
    /// Rows that a model of whole answers scores.
    public static final Set<DatasetType> ANSWERS =
            Set.copyOf(
                    EnumSet.of(
                            DatasetType.PREFERENCE,
                            DatasetType.UNPAIRED_PREFERENCE,
                            DatasetType.PROMPT_COMPLETION,
                            DatasetType.LANGUAGE_MODELING));

    /// Rows that a model of steps scores.
    public static final Set<DatasetType> STEPS =
            Set.copyOf(
                    EnumSet.of(
                            DatasetType.STEPWISE_SUPERVISION,
                            DatasetType.UNPAIRED_PREFERENCE,
                            DatasetType.PROMPT_COMPLETION));

    private final SampleTokenizer tokenizer;

    public ScoringPreparation(SampleTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /// A sequence with the tokens at which it is scored.
    ///
    /// @param ids at least one token
    /// @param places indices of tokens; at least one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Scored(int[] ids, int[] places) {}

    /// The answers of each row, scored at their last tokens: one, or of a pair the chosen and the
    /// rejected one.
    ///
    /// @param threads how many tokenise at a time, ≥ 1
    /// @throws DatasetException with the row's place, if a row can't be used
    public List<List<Scored>> answers(List<Sample> samples, int threads) {
        return ParallelRows.map(
                new ArrayList<>(samples), threads, sample -> placed(sample, this::answers));
    }

    /// The solution of each row, scored at the end of every step.
    ///
    /// @param separator stands behind every step, and between those of a completion
    /// @param threads how many tokenise at a time, ≥ 1
    /// @throws DatasetException with the row's place, if a row can't be used
    public List<List<Scored>> steps(List<Sample> samples, String separator, int threads) {
        var stepwise = new StepTokens(tokenizer.tokenizer(), separator);
        return ParallelRows.map(
                new ArrayList<>(samples),
                threads,
                sample ->
                        placed(
                                sample,
                                row -> List.of(solution(row, steps(row, stepwise), stepwise))));
    }

    private static List<Scored> placed(Sample sample, Function<Sample, List<Scored>> prepare) {
        try {
            return prepare.apply(sample);
        } catch (DatasetException e) {
            throw RowPreparation.placed(sample.row().origin(), e);
        }
    }

    private List<Scored> answers(Sample sample) {
        return switch (sample) {
            case Sample.Preference pair -> {
                PreferenceExample both = tokenizer.tokenize(pair);
                yield List.of(whole(both.chosen().ids()), whole(both.rejected().ids()));
            }
            case Sample.UnpairedPreference row ->
                    List.of(whole(ids(row.prompt(), row.completion(), row)));
            case Sample.PromptCompletion row ->
                    List.of(whole(ids(row.prompt(), row.completion(), row)));
            case Sample.LanguageModeling row ->
                    List.of(whole(tokenizer.tokenize(row, false).ids()));
            case Sample.Triple _, Sample.Stepwise _, Sample.Labelled _, Sample.PromptOnly _ ->
                    throw new DatasetException("answers are needed, got " + sample.type().key());
        };
    }

    private int[] ids(Content prompt, Content completion, Sample sample) {
        var row = new Sample.PromptCompletion(prompt, completion, sample.options(), sample.row());
        return tokenizer.tokenize(row, false).ids();
    }

    private static Scored whole(int[] ids) {
        if (ids.length == 0) {
            throw new DatasetException("an answer has no tokens, so it has no score");
        }
        return new Scored(ids, new int[] {ids.length - 1});
    }

    private record Solution(Content prompt, List<String> steps) {}

    private static Solution steps(Sample sample, StepTokens tokens) {
        return switch (sample) {
            case Sample.Stepwise row -> new Solution(row.prompt(), row.completions());
            case Sample.UnpairedPreference row -> split(row.prompt(), row.completion(), tokens);
            case Sample.PromptCompletion row -> split(row.prompt(), row.completion(), tokens);
            case Sample.Triple _,
                    Sample.Preference _,
                    Sample.LanguageModeling _,
                    Sample.Labelled _,
                    Sample.PromptOnly _ ->
                    throw new DatasetException(
                            "prompts with steps are needed, got " + sample.type().key());
        };
    }

    private static Solution split(Content prompt, Content completion, StepTokens tokens) {
        String text =
                switch (completion) {
                    case Content.Text(String given) -> given;
                    case Content.Turns turns ->
                            String.valueOf(turns.messages().getLast().fields().get("content"));
                };
        return new Solution(prompt, tokens.split(text));
    }

    private Scored solution(Sample sample, Solution solution, StepTokens tokens) {
        List<Integer> ids = new ArrayList<>();
        for (int id : tokenizer.stepPrompt(tokens, solution.prompt(), sample.options())) {
            ids.add(id);
        }
        int[] places = new int[solution.steps().size()];
        for (int i = 0; i < places.length; i++) {
            for (int id : tokens.step(solution.steps().get(i))) {
                ids.add(id);
            }
            places[i] = ids.size() - 1;
        }
        if (ids.isEmpty()) {
            throw new DatasetException("prompt and steps have no tokens, so there is no score");
        }
        return new Scored(ids.stream().mapToInt(Integer::intValue).toArray(), places);
    }
}
