package org.attune.trainers.heads;

import org.attune.datasets.rows.RowOrigin;
import org.attune.models.score.PoolingMode;
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

/// Embeddings of a table, which are its rows. Only the third row has a 6. The documents of a step
/// are negatives of each other however it is cut ([ShortRun#CUTS]).
class EmbedTrainerTest implements RowTrainerContract<LabelledExample> {
    private static final int WIDTH = 7;

    @Override
    public TrainerCase<LabelledExample> trainerCase() {
        int[][][] ids = {
            {{1, 2, 4, 0}, {1, 2, 5}},
            {{2, 1, 3, 4}, {2, 1}, {3}},
            {{4, 5, 6}, {4, 5, 0}},
            {{0, 2, 3}, {5, 4, 1, 2}},
            {{3, 1}, {3, 5}},
            {{1, 0, 2, 5}, {1, 0, 4}}
        };
        List<LabelledExample> rows = new ArrayList<>();
        for (int[][] sequences : ids) {
            rows.add(
                    new LabelledExample(
                            List.of(sequences),
                            new int[0],
                            List.of(),
                            new RowOrigin("rows.jsonl", rows.size() + 1, rows.size())));
        }
        EmbedConfig mean = EmbedConfig.defaults().withPoolingMode(PoolingMode.MEAN);
        return new TrainerCase<>(
                rows,
                () -> BigramPolicy.seeded(WIDTH, 1),
                given -> start(mean, given),
                given -> start(mean.withScale(3), given),
                "scale",
                ShortRun.CUTS,
                given -> start(mean, given.poisoned(6)),
                "rows.jsonl:3");
    }

    private static float[] start(EmbedConfig config, Given<LabelledExample> given) {
        GivenRows.trainer(
                        config.withModel(m -> m.withModelNameOrPath("tiny"))
                                .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(0.5))
                                .withTraining(t -> given.training().apply(ShortRun.twoByTwo(t))),
                        EmbedObjective.of(config, WIDTH, given.rows()),
                        given.policy(),
                        Optional.empty(),
                        given.rows(),
                        List.of(new EvalSet<>("", given.rows().subList(0, 3))),
                        given.context())
                .train();
        return new float[0];
    }
}
