package org.attune.serve;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Texts to go on with.
///
/// @param prompts token ids
/// @param format what answers must look like
/// @param echo whether an answer begins with its prompt
/// @param top how many of the likeliest tokens are told; below 0: no log-probabilities
/// @param promptTop how many are told in each place of the prompt, in vLLM's form; below 0: none
/// @param stream how the answer is sent
record TextRequest(
        ServedModel model,
        List<int[]> prompts,
        Sampling sampling,
        FormatRequest format,
        boolean echo,
        int top,
        int promptTop,
        StreamRequest stream) {
    private static final int MOST_PROMPTS = 256;
    private static final int MOST_TOP = 100;
    private static final int STANDARD_TOKENS = 16;

    private static final Set<String> KEYS = keys();

    private static final Map<String, String> REFUSED =
            Map.of(
                    "suffix", "only texts that go on are written",
                    "best_of", "ask for n and choose",
                    "use_beam_search", "tokens are sampled one by one");

    private static Set<String> keys() {
        Set<String> keys = new HashSet<>(Sampling.KEYS);
        keys.addAll(StreamRequest.KEYS);
        keys.addAll(FormatRequest.KEYS);
        keys.addAll(
                List.of(
                        "model",
                        "prompt",
                        "echo",
                        "logprobs",
                        "prompt_logprobs",
                        "add_special_tokens"));
        return Set.copyOf(keys);
    }

    /// Tokens of an answer where the request doesn't say.
    static int standardTokens() {
        return STANDARD_TOKENS;
    }

    static TextRequest read(Fields body, ServedModels models, Call call) throws ApiException {
        body.require(KEYS, REFUSED);
        StreamRequest.refuseStore(body);
        ServedModel model = models.askedToWrite(body, call::afterwards);
        boolean echo = body.flag("echo", false);
        FormatRequest format = FormatRequest.read(body);
        int promptTop = body.integer("prompt_logprobs", 0, MOST_TOP, -1);
        return new TextRequest(
                model,
                prompts(body, model),
                FormatRequest.ending(
                        Sampling.read(body, model, echo || promptTop >= 0 ? 0 : 1), format, model),
                format,
                echo,
                body.integer("logprobs", 0, MOST_TOP, -1),
                promptTop,
                StreamRequest.read(body));
    }

    /// A text, token ids, or a list of either.
    private static List<int[]> prompts(Fields body, ServedModel model) throws ApiException {
        Object given = body.value("prompt");
        boolean special = body.flag("add_special_tokens", true);
        if (given instanceof String text) {
            return List.of(model.tokenizer().encode(text, special));
        }
        List<?> list = body.list("prompt", Integer.MAX_VALUE);
        if (list.isEmpty()) {
            throw body.bad("prompt", "is missing or empty");
        }
        if (list.getFirst() instanceof Long) {
            return List.of(ids(body, "prompt", list, model));
        }
        if (list.size() > MOST_PROMPTS) {
            throw body.bad(
                    "prompt", "has %d elements; accepted: %d".formatted(list.size(), MOST_PROMPTS));
        }
        List<int[]> prompts = new ArrayList<>();
        for (Object prompt : list) {
            prompts.add(
                    switch (prompt) {
                        case String text -> model.tokenizer().encode(text, special);
                        case List<?> ids -> ids(body, "prompt", ids, model);
                        case null, default ->
                                throw body.bad(
                                        "prompt",
                                        "holds %s; accepted: a text, token ids, or a list of either"
                                                .formatted(prompt));
                    });
        }
        return prompts;
    }

    /// Token ids of a model.
    static int[] ids(Fields body, String key, List<?> list, ServedModel model) throws ApiException {
        int vocabulary = model.setup().source().config().vocabSize();
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!(list.get(i) instanceof Long id) || id < 0 || id >= vocabulary) {
                throw body.bad(
                        key,
                        "holds %s; accepted: token ids from 0 to %d"
                                .formatted(list.get(i), vocabulary - 1));
            }
            ids[i] = id.intValue();
        }
        return ids;
    }

    /// Whether the log-probabilities of the prompt's own tokens are told.
    boolean readsPrompt() {
        return promptTop >= 0 || echo && top >= 0;
    }
}
