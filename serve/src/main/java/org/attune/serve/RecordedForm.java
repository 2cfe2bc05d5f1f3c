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
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Writes answers as another form does, and keeps them before the last of them has been sent, so
/// that the user who has an answer can judge it.
final class RecordedForm implements AnswerForm {
    private static final Logger LOG = LoggerFactory.getLogger(RecordedForm.class);

    private final AnswerForm form;
    private final FeedbackStore store;
    private final ChatRequest request;
    private final Fields body;
    private final Origin origin;
    private final String user;
    private final long[] tokens; // by answer
    private final String[] ends; // by answer
    private int ended;

    /// @param body as chats are asked for
    /// @param store borrowed
    RecordedForm(
            AnswerForm form,
            FeedbackStore store,
            ChatRequest request,
            Fields body,
            Origin origin,
            String user) {
        this.form = form;
        this.store = store;
        this.request = request;
        this.body = body;
        this.origin = origin;
        this.user = user;
        tokens = new long[request.sampling().choices()];
        ends = new String[tokens.length];
        Arrays.fill(ends, "");
    }

    @Override
    public boolean isStream() {
        return form.isStream();
    }

    @Override
    public String take(AnswerEvent event) {
        String sent = form.take(event);
        switch (event) {
            case AnswerEvent.Token token -> tokens[token.choice()]++;
            case AnswerEvent.End end -> {
                ends[end.choice()] = end.reason().finishReason();
                ended++;
            }
            case AnswerEvent.Failure _ -> {}
        }
        if (ended == ends.length) {
            ended = 0;
            keep();
        }
        return sent;
    }

    private void keep() {
        List<Map<String, Object>> messages = form.messages();
        List<GivenAnswer> answers = new ArrayList<>();
        for (int choice = 0; choice < messages.size(); choice++) {
            answers.add(
                    new GivenAnswer(
                            form.id(),
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

    @Override
    public String end() {
        return form.end();
    }

    @Override
    public String id() {
        return form.id();
    }

    @Override
    public List<Map<String, Object>> messages() {
        return form.messages();
    }
}
