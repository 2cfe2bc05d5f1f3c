package org.attune.langchain4j;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.scoring.ScoringModel;

import org.attune.api.Api;
import org.attune.error.AttuneException;
import org.attune.models.score.AnswerScorer;

import java.util.Arrays;
import java.util.List;

/// A reward model of this process as LangChain4j's [ScoringModel]: a text's score is that of an
/// answer to the query. Scores are as the model gives them, without bounds. Thread-safe.
///
/// @param scorer borrowed
@Api(EXPERIMENTAL)
public record AttuneScoringModel(AnswerScorer scorer) implements ScoringModel {
    /// A model that scores by a reward model.
    public static AttuneScoringModel of(AnswerScorer scorer) {
        return new AttuneScoringModel(scorer);
    }

    /// @throws dev.langchain4j.exception.LangChain4jException if they can't be scored
    @Override
    public Response<List<Double>> scoreAll(List<TextSegment> segments, String query) {
        try {
            double[] scores =
                    scorer.score(query, segments.stream().map(TextSegment::text).toList());
            return Response.from(Arrays.stream(scores).boxed().toList());
        } catch (AttuneException e) {
            throw Problems.of(e);
        }
    }
}
