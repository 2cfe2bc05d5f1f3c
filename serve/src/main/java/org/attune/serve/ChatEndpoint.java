package org.attune.serve;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Answers chats, in any form in which they are asked for.
///
/// @param feedback keeps them; empty: nothing does
record ChatEndpoint(
        ServedModels models,
        GenerationDesk desk,
        ServerMetrics metrics,
        Optional<FeedbackDesk> feedback,
        Dialect dialect)
        implements HttpDoor.Handler {
    @Override
    public void handle(Call call) throws ApiException, IOException, InterruptedException {
        Fields body = models.body(call);
        if (feedback.isEmpty()) {
            StreamRequest.refuseStore(body);
        }
        Fields chat = dialect.chat(body);
        ChatRequest request = ChatRequest.read(chat, models, call::afterwards);
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
                        request.format(),
                        request.pictures());
        AnswerForm form = dialect.form(request, body.all());
        if (feedback.isPresent() && body.flag("store", true)) {
            form = new RecordedForm(form, feedback.get().record(request, chat));
            call.exchange().getResponseHeaders().set("Attune-Kept", "feedback");
        }
        Generation generation = desk.begin(order, new int[] {most});
        AnswerSender.send(generation, form, call.reply(request.stream().isStream()));
    }
}
