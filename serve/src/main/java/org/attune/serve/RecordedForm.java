package org.attune.serve;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Writes answers as another form does, and keeps them before the last of them has been sent, so
/// that the user who has an answer can judge it.
final class RecordedForm implements AnswerForm {
    private final AnswerForm form;
    private final AnswerRecord answers;
    private final long[] tokens; // by answer
    private final String[] ends; // by answer
    private int ended;

    RecordedForm(AnswerForm form, AnswerRecord answers) {
        this.form = form;
        this.answers = answers;
        tokens = new long[answers.request().sampling().choices()];
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
            answers.keep(form.id(), form.messages(), tokens, ends);
        }
        return sent;
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
