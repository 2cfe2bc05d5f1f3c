package org.attune.serve;

import org.attune.rollout.TopTokens;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One text that goes on, as it becomes known, with what is told of its tokens. What was sent is
/// forgotten.
final class TextAnswer {
    private final LogProbForm form;
    private final boolean hasLogProbs;
    private final StringBuilder text = new StringBuilder();
    private final List<Object> ids = new ArrayList<>();
    private final List<Object> names = new ArrayList<>();
    private final List<Object> values = new ArrayList<>();
    private final List<Object> top = new ArrayList<>();
    private final List<Object> offsets = new ArrayList<>();
    private long offset;
    private String finish;

    TextAnswer(LogProbForm form, boolean hasLogProbs) {
        this.form = form;
        this.hasLogProbs = hasLogProbs;
    }

    void say(String piece) {
        text.append(piece);
    }

    /// A token of the prompt.
    ///
    /// @param logProb NaN of the first one
    void prompt(int id, float logProb, TopTokens likeliest) {
        note(id, logProb, likeliest);
    }

    /// A token of the answer.
    ///
    /// @param most how many of the likeliest tokens are told
    void token(AnswerEvent.Token token, int most) {
        say(token.text());
        ids.add((long) token.id());
        note(token.id(), token.logProb(), token.top().first(Math.max(0, most)));
    }

    private void note(int id, float logProb, TopTokens likeliest) {
        if (!hasLogProbs) {
            return;
        }
        names.add(form.name(id));
        boolean isKnown = !Float.isNaN(logProb);
        values.add(isKnown ? LogProbForm.number(logProb) : null);
        top.add(isKnown ? form.byName(id, logProb, likeliest) : null);
        offsets.add(offset);
        offset += form.tokenizer().decode(new int[] {id}, false).length();
    }

    void finish(String reason) {
        finish = reason;
    }

    boolean isWorthSending() {
        return !text.isEmpty() || finish != null;
    }

    /// Forgets what was sent.
    void clear() {
        text.setLength(0);
        List.of(ids, names, values, top, offsets).forEach(List::clear);
    }

    /// Writes what isn't sent yet into a choice.
    void write(Map<String, Object> choice, boolean hasIds) {
        choice.put("text", text.toString());
        choice.put("logprobs", hasLogProbs ? logProbs() : null);
        choice.put("finish_reason", finish);
        if (hasIds) {
            choice.put("token_ids", List.copyOf(ids));
        }
    }

    private Map<String, Object> logProbs() {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("tokens", new ArrayList<>(names));
        told.put("token_logprobs", new ArrayList<>(values));
        told.put("top_logprobs", new ArrayList<>(top));
        told.put("text_offset", new ArrayList<>(offsets));
        return told;
    }
}
