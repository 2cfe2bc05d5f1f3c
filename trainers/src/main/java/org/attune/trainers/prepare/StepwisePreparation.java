package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.StepTokens;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.StepwiseExample.JudgedStep;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Prepares judged solutions for process reward models as TRL's `PRMTrainer` does: prompt, steps
/// and separators are encoded each on its own and joined, then what is too long is cut off. A row
/// that keeps no judged step is left out; TRL keeps it, and it teaches nothing there.
public final class StepwisePreparation implements RowPreparation<StepwiseExample> {
    private static final String UNJUDGED = "no judged step is left";

    private final SampleTokenizer samples;
    private final StepTokens tokens;
    private final StepwiseOptions options;
    private final BadRowPolicy onBadRow;

    public StepwisePreparation(
            SampleTokenizer tokenizer, StepwiseOptions options, BadRowPolicy onBadRow) {
        samples = tokenizer;
        tokens = new StepTokens(tokenizer.tokenizer(), options.separator());
        this.options = options;
        this.onBadRow = onBadRow;
    }

    @Override
    public BadRowPolicy onBadRow() {
        return onBadRow;
    }

    @Override
    public Shaped<StepwiseExample> shape(Sample sample) {
        Sample.Stepwise row =
                RowPreparation.require(Sample.Stepwise.class, "judged steps are", sample);
        int[] prompt = samples.stepPrompt(tokens, row.prompt(), row.options());
        return cut(row, prompt, steps(row));
    }

    @Override
    public long trained(StepwiseExample row) {
        return row.steps().size();
    }

    private List<int[]> steps(Sample.Stepwise row) {
        var steps = new ArrayList<int[]>();
        for (int i = 0; i < row.completions().size(); i++) {
            int[] ids = tokens.step(row.completions().get(i));
            if (ids.length == 0) {
                throw new DatasetException(
                        "completions[%d] and step_separator have no tokens, so there is no place to judge the step"
                                .formatted(i));
            }
            steps.add(ids);
        }
        return steps;
    }

    private Shaped<StepwiseExample> cut(Sample.Stepwise row, int[] prompt, List<int[]> steps) {
        int length = prompt.length;
        var judged = new ArrayList<JudgedStep>();
        int limit = limit(prompt.length);
        int[] ids = Arrays.copyOf(prompt, length + steps.stream().mapToInt(s -> s.length).sum());
        for (int i = 0; i < steps.size(); i++) {
            System.arraycopy(steps.get(i), 0, ids, length, steps.get(i).length);
            length += steps.get(i).length;
            boolean learnt = !options.lastStepOnly() || i == steps.size() - 1;
            if (learnt && length <= limit) {
                judged.add(new JudgedStep(length - 1, row.labels().get(i)));
            }
        }
        if (judged.isEmpty()) {
            return new Shaped.Left<>(
                    UNJUDGED, "%d tokens, cut to %d".formatted(length, Math.min(length, limit)));
        }
        int[] kept = CompletionTokens.beginning(ids, limit);
        var example = new StepwiseExample(kept, judged, row.row().origin());
        return new Shaped.Kept<>(example, length, example.length());
    }

    /// Most tokens of a row.
    private int limit(int prompt) {
        int whole = options.maxLength().orElse(Integer.MAX_VALUE);
        int completion = options.maxCompletionLength().orElse(Integer.MAX_VALUE);
        return completion < whole - prompt ? prompt + completion : whole;
    }
}
