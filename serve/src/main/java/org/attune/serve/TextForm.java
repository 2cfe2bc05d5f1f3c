package org.attune.serve;

import org.attune.json.Json;
import org.attune.rollout.TopTokens;
import org.attune.rollout.generation.PromptLogProbs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Writes texts that were gone on with, as OpenAI's `/v1/completions` does.
final class TextForm implements AnswerForm {
    private final TextRequest request;
    private final List<PromptLogProbs> read;
    private final String id = "cmpl-" + UUID.randomUUID();
    private final long created = System.currentTimeMillis() / 1000;
    private final LogProbForm form;
    private final List<TextAnswer> answers = new ArrayList<>();
    private long tokens;

    /// @param read log-probabilities of the prompts; empty where they aren't told
    TextForm(TextRequest request, List<PromptLogProbs> read) {
        this.request = request;
        this.read = read;
        form = new LogProbForm(request.model().tokenizer(), request.stream().byIds());
        int choices = request.sampling().choices();
        for (int number = 0; number < request.prompts().size() * choices; number++) {
            answers.add(new TextAnswer(form, request.top() >= 0));
        }
        if (request.echo()) {
            for (int number = 0; number < answers.size(); number++) {
                echo(answers.get(number), number / choices);
            }
        }
    }

    private void echo(TextAnswer answer, int prompt) {
        int[] ids = request.prompts().get(prompt);
        for (int i = 0; i < ids.length; i++) {
            if (i == 0 || read.isEmpty()) {
                answer.prompt(ids[i], Float.NaN, TopTokens.NONE);
            } else {
                PromptLogProbs known = read.get(prompt);
                answer.prompt(ids[i], known.values()[i - 1], top(known, i - 1));
            }
        }
        answer.say(request.model().tokenizer().decode(ids, false));
    }

    private TopTokens top(PromptLogProbs known, int place) {
        return known.top().isEmpty() ? TopTokens.NONE : known.top().get(place).first(request.top());
    }

    @Override
    public String id() {
        return id;
    }

    /// Texts that go on are no messages.
    @Override
    public List<Map<String, Object>> messages() {
        return List.of();
    }

    @Override
    public boolean isStream() {
        return request.stream().isStream();
    }

    @Override
    public String take(AnswerEvent event) {
        TextAnswer answer = answers.get(event.choice());
        switch (event) {
            case AnswerEvent.Token token -> {
                tokens++;
                answer.token(token, request.top());
            }
            case AnswerEvent.End(int _, String text, String _, var reason, var _) -> {
                answer.say(text);
                answer.finish(reason.finishReason());
            }
            case AnswerEvent.Failure _ -> {}
        }
        return isStream() && answer.isWorthSending() ? piece(event.choice()) : "";
    }

    private String piece(int number) {
        Map<String, Object> chunk = head();
        chunk.put("choices", List.of(choice(number)));
        if (request.stream().hasUsage()) {
            chunk.put("usage", null);
        }
        answers.get(number).clear();
        return AnswerForm.event(chunk);
    }

    private Map<String, Object> head() {
        return AnswerForm.head(id, "text_completion", created, request.model().name());
    }

    private Map<String, Object> choice(int number) {
        Map<String, Object> choice = new LinkedHashMap<>();
        choice.put("index", (long) number);
        answers.get(number).write(choice, request.stream().hasIds());
        int prompt = number / request.sampling().choices();
        if (request.stream().hasIds()) {
            choice.put("prompt_token_ids", AnswerForm.ids(request.prompts().get(prompt)));
        }
        if (request.promptTop() >= 0) {
            choice.put("prompt_logprobs", promptLogProbs(prompt));
        }
        return choice;
    }

    private List<Object> promptLogProbs(int prompt) {
        List<Object> places = new ArrayList<>();
        places.add(null);
        int[] ids = request.prompts().get(prompt);
        PromptLogProbs known = read.get(prompt);
        for (int i = 1; i < ids.length; i++) {
            TopTokens top =
                    known.top().isEmpty()
                            ? TopTokens.NONE
                            : known.top().get(i - 1).first(request.promptTop());
            places.add(form.byId(ids[i], known.values()[i - 1], top));
        }
        return places;
    }

    @Override
    public String end() {
        long prompt = request.prompts().stream().mapToLong(ids -> ids.length).sum();
        Map<String, Object> usage = AnswerForm.usage(prompt, tokens);
        if (isStream()) {
            var last = new StringBuilder();
            if (request.stream().hasUsage()) {
                Map<String, Object> chunk = head();
                chunk.put("choices", List.of());
                chunk.put("usage", usage);
                last.append(AnswerForm.event(chunk));
            }
            return last.append("data: [DONE]\n\n").toString();
        }
        List<Object> choices = new ArrayList<>();
        for (int number = 0; number < answers.size(); number++) {
            choices.add(choice(number));
        }
        Map<String, Object> whole = head();
        whole.put("choices", choices);
        whole.put("usage", usage);
        return Json.write(whole);
    }

    /// Ends all answers, where nothing is generated: of the prompts' tokens only something is told.
    String endAtOnce() {
        var sent = new StringBuilder();
        for (int number = 0; number < answers.size(); number++) {
            answers.get(number).finish("length");
            if (isStream()) {
                sent.append(piece(number));
            }
        }
        return sent.append(end()).toString();
    }
}
