package org.attune.serve;

import org.attune.http.ExchangeReply;
import org.attune.model.layer.Decoder;
import org.attune.rollout.generation.PromptLogProbs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// `/v1/completions`
///
/// @param decoder borrowed
record TextEndpoint(
        ServedModels models, GenerationDesk desk, Decoder decoder, ServerMetrics metrics)
        implements HttpDoor.Handler {
    @Override
    public void handle(Call call) throws ApiException, IOException, InterruptedException {
        TextRequest request = TextRequest.read(call.body(), models, call);
        boolean readsOnly = request.sampling().maxTokens().equals(OptionalInt.of(0));
        int[] most = new int[request.prompts().size()];
        for (int i = 0; i < most.length; i++) {
            int[] prompt = request.prompts().get(i);
            most[i] =
                    desk.most(
                            prompt,
                            request.sampling(),
                            OptionalInt.of(TextRequest.standardTokens()));
            metrics.prompt(prompt.length);
        }
        ExchangeReply reply = call.reply(request.stream().isStream());
        if (readsOnly) {
            reply.end(new TextForm(request, read(request, reply)).endAtOnce());
            return;
        }
        var order =
                new GenerationDesk.Order(
                        request.model(),
                        request.prompts(),
                        request.sampling(),
                        Math.max(0, request.top()),
                        false,
                        call.deadline(request.stream()),
                        request.format(),
                        List.of());
        Generation generation = desk.begin(order, most);
        try {
            TextForm form = new TextForm(request, read(request, reply));
            AnswerSender.send(generation, form, reply);
        } finally {
            generation.close();
        }
    }

    /// Log-probabilities of the prompts' own tokens, if they are told.
    private List<PromptLogProbs> read(TextRequest request, ExchangeReply reply) throws IOException {
        List<PromptLogProbs> read = new ArrayList<>();
        if (request.readsPrompt()) {
            int top =
                    Math.max(0, Math.max(request.promptTop(), request.echo() ? request.top() : 0));
            for (int[] prompt : request.prompts()) {
                read.add(PromptLogProbs.of(decoder, request.model().adapter(), prompt, top));
                reply.live();
            }
        }
        return read;
    }
}
