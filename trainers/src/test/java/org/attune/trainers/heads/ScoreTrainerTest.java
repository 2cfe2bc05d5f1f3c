package org.attune.trainers.heads;

import org.attune.datasets.rows.RowOrigin;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RowTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Classes of a table's last tokens. Only the third row has a 6.
class ScoreTrainerTest implements RowTrainerContract<LabelledExample> {
    private static final int LABELS = 3;

    @Override
    public TrainerCase<LabelledExample> trainerCase() {
        int[][] ids = {{1, 2, 4, 0}, {2, 1, 3, 4}, {4, 5, 6}, {0, 2, 3}, {3, 1}, {1, 0, 2, 5}};
        List<LabelledExample> rows = new ArrayList<>();
        for (int[] sequence : ids) {
            rows.add(
                    new LabelledExample(
                            List.of(sequence),
                            new int[0],
                            List.of(rows.size() % LABELS),
                            new RowOrigin("rows.jsonl", rows.size() + 1, rows.size())));
        }
        return new TrainerCase<>(
                rows,
                () -> BigramPolicy.seeded(7, 1),
                given -> start(ClassifyConfig.defaults(), given),
                given -> start(ClassifyConfig.defaults().withMaxLength(9), given),
                "max_length",
                ShortRun.CUTS,
                given -> start(ClassifyConfig.defaults(), given.poisoned(6)),
                "rows.jsonl:3");
    }

    private static float[] start(ClassifyConfig config, Given<LabelledExample> given) {
        var names = new LabelNames(ProblemType.SINGLE_LABEL_CLASSIFICATION, List.of("a", "b", "c"));
        GivenRows.trainer(
                        config.withModel(m -> m.withModelNameOrPath("tiny"))
                                .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(0.5))
                                .withTraining(t -> given.training().apply(ShortRun.twoByTwo(t))),
                        new ScoreObjective(ClassifyTask.of(names)),
                        given.policy(),
                        Optional.empty(),
                        given.rows(),
                        List.of(new EvalSet<>("", given.rows().subList(0, 3))),
                        given.context())
                .train();
        return new float[0];
    }
}
