package org.attune.examples.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.scoring.ScoringModel;

import org.attune.langchain4j.AttuneScoringModel;
import org.attune.models.ModelConfig;
import org.attune.models.score.AnswerScorer;
import org.attune.serve.RandomModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;

class RankedTextsTest {
    @Test
    void textsAreScoredAsAnswersToTheQuery(@TempDir Path folder) {
        String reward = RandomModels.reward(folder.resolve("reward")).toString();
        try (var scorer = AnswerScorer.open(ModelConfig.of(reward))) {
            ScoringModel model = AttuneScoringModel.of(scorer);
            List<String> texts = List.of("1 2 3", "3 2 1");
            List<Double> scores =
                    model.scoreAll(texts.stream().map(TextSegment::from).toList(), "Sort: 3 1 2")
                            .content();
            double[] own = scorer.score("Sort: 3 1 2", texts);
            assertEquals(List.of(own[0], own[1]), scores);
            assertNotEquals(own[0], own[1]);
            assertEquals(own[0], model.score("1 2 3", "Sort: 3 1 2").content(), 1e-4);
        }
    }
}
