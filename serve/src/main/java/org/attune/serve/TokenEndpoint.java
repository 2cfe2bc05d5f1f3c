package org.attune.serve;

import org.attune.text.ChatTemplate;
import org.attune.text.TextAssets;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// `/tokenize`, `/detokenize` and `/tokenizer_info`, as vLLM has them.
///
/// @param length most tokens of a sequence
record TokenEndpoint(ServedModels models, int length) {
    private static final int MOST_IDS = 1 << 20;

    private static final Set<String> ENCODED =
            Set.of(
                    "model",
                    "prompt",
                    "messages",
                    "tools",
                    "add_special_tokens",
                    "return_token_strs",
                    "add_generation_prompt",
                    "continue_final_message",
                    "reasoning_effort",
                    "chat_template_kwargs");

    /// Text or conversation to tokens.
    void encode(Call call) throws ApiException, IOException, InterruptedException {
        Fields body = models.body(call);
        body.require(ENCODED, Map.of());
        ServedModel model = models.asked(body, call::afterwards);
        int[] ids = model.named(ids(body, model));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("count", (long) ids.length);
        answer.put("max_model_len", (long) length);
        answer.put("tokens", AnswerForm.ids(ids));
        if (body.flag("return_token_strs", false)) {
            answer.put(
                    "token_strs", Arrays.stream(ids).mapToObj(model.tokenizer()::token).toList());
        }
        call.json(answer);
    }

    private static int[] ids(Fields body, ServedModel model) throws ApiException {
        if (body.has("messages")) {
            if (body.has("prompt")) {
                throw body.bad("prompt", "is given beside \"messages\"; give one of them");
            }
            List<Object> tools = ToolRequest.read(body).tools();
            return ChatRequest.prompt(body, model, tools).ids();
        }
        String text =
                body.text("prompt")
                        .orElseThrow(() -> body.bad("prompt", "is missing; so is \"messages\""));
        return model.tokenizer().encode(text, body.flag("add_special_tokens", true));
    }

    /// Tokens to text.
    void decode(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(Set.of("model", "tokens"), Map.of());
        ServedModel model = models.asked(body, call::afterwards);
        int[] ids =
                new TokenInput("tokens", model, MOST_IDS).ids(body, body.list("tokens", MOST_IDS));
        call.json(Map.of("prompt", model.tokenizer().decode(ids, false)));
    }

    /// What clients need to know of the tokenizer.
    void describe(Call call) throws IOException {
        TextAssets text = models.base().setup().bareText();
        Map<String, Object> answer = new LinkedHashMap<>(text.specials().byRole());
        answer.put("model_max_length", (long) length);
        answer.put("chat_template", text.template().map(ChatTemplate::source).orElse(null));
        call.json(answer);
    }
}
