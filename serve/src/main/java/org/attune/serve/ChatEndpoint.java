package org.attune.serve;

import java.io.IOException;
import java.util.List;
import java.util.OptionalInt;

/// Answers chats, in any form in which they are asked for.
record ChatEndpoint(
        ServedModels models, GenerationDesk desk, ServerMetrics metrics, Dialect dialect)
        implements HttpDoor.Handler {
    @Override
    public void handle(Call call) throws ApiException, IOException, InterruptedException {
        Fields body = call.body();
        ChatRequest request = ChatRequest.read(dialect.chat(body), models, call::afterwards);
        int[] prompt = request.prompt().ids();
        int most = desk.most(prompt, request.sampling(), OptionalInt.empty());
        metrics.prompt(prompt.length);
        var order =
                new GenerationDesk.Order(
                        request.model(),
                        List.of(prompt),
                        request.sampling(),
                        Math.max(0, request.top()),
                        true,
                        call.deadline(request.stream()),
                        request.format());
        Generation generation = desk.begin(order, new int[] {most});
        AnswerSender.send(
                generation,
                dialect.form(request, body.all()),
                call.reply(request.stream().isStream()));
    }
}
