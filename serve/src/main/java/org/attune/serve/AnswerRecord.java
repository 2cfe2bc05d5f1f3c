package org.attune.serve;

import org.attune.error.AttuneException;
import org.attune.feedback.FeedbackStore;
import org.attune.feedback.GivenAnswer;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.GivenAnswer.Usage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Keeps the answers to one chat in a store.
///
/// @param store borrowed
/// @param body as chats are asked for
/// @param origin what answers
/// @param user who asks; may be empty
record AnswerRecord(
        FeedbackStore store, ChatRequest request, Fields body, Origin origin, String user) {
    private static final Logger LOG = LoggerFactory.getLogger(AnswerRecord.class);

    /// Keeps all answers of a response. That they can't be kept is logged: users still get them.
    ///
    /// @param id of the response
    /// @param messages the answers, in OpenAI's form
    /// @param tokens of each answer
    /// @param ends why each of them ended
    void keep(String id, List<Map<String, Object>> messages, long[] tokens, String[] ends) {
        List<GivenAnswer> answers = new ArrayList<>();
        for (int choice = 0; choice < messages.size(); choice++) {
            answers.add(
                    new GivenAnswer(
                            id,
                            choice,
                            Instant.now(),
                            user,
                            origin,
                            list("messages"),
                            list("tools"),
                            messages.get(choice),
                            new Usage(
                                    request.prompt().ids().length, tokens[choice], ends[choice])));
        }
        try {
            store.record(answers);
        } catch (AttuneException e) {
            LOG.warn("an answer was given and not kept: {}", e.getMessage());
        }
    }

    private List<Object> list(String key) {
        return body.value(key) instanceof List<?> list ? new ArrayList<>(list) : List.of();
    }
}
