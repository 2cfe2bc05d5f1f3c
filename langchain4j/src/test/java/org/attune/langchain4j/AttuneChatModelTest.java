package org.attune.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;

import org.attune.json.Json;
import org.attune.serve.LocalModels;
import org.attune.serve.RandomModels;
import org.attune.serve.ScriptedModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// On the embedded model as it is.
class AttuneChatModelTest {
    private static final String QUESTION = "Sort ascending: 3 1 2 4";
    private static final JsonObjectSchema SCHEMA =
            JsonObjectSchema.builder()
                    .addProperty(
                            "order",
                            JsonEnumSchema.builder().enumValues(List.of("UP", "DOWN")).build())
                    .addBooleanProperty("isLong")
                    .required("order", "isLong")
                    .build();

    @TempDir static Path folder;
    private static LocalModels models;
    private static AttuneChatModel model;

    @BeforeAll
    static void open() {
        models = LocalModels.open(ScriptedModels.config(folder));
        model = AttuneChatModel.of(models).withParameters(greedy().build());
    }

    @AfterAll
    static void close() {
        models.close();
    }

    private static AttuneChatRequestParameters.Builder greedy() {
        return AttuneChatRequestParameters.builder().temperature(0.0).maxOutputTokens(60);
    }

    private static ChatResponse ask(ChatRequestParameters parameters) {
        return model.chat(
                ChatRequest.builder()
                        .messages(UserMessage.from(QUESTION))
                        .parameters(parameters)
                        .build());
    }

    @Test
    void aToolThatMustBeCalledGetsArgumentsOfItsSchema() {
        var tool = ToolSpecification.builder().name("sort").parameters(SCHEMA).build();
        ChatResponse response =
                ask(greedy().toolSpecifications(tool).toolChoice(ToolChoice.REQUIRED).build());
        ToolExecutionRequest call = response.aiMessage().toolExecutionRequests().getFirst();
        assertEquals("sort", call.name());
        requireSchema(call.arguments());
        assertEquals(FinishReason.TOOL_EXECUTION, response.finishReason());
    }

    private static void requireSchema(String json) {
        assertTrue(
                Json.parse(json) instanceof Map<?, ?> map
                        && List.of("UP", "DOWN").contains(map.get("order"))
                        && map.get("isLong") instanceof Boolean,
                json);
    }

    @Test
    void anAnswerKeepsToItsSchema() {
        var schema = JsonSchema.builder().name("order").rootElement(SCHEMA).build();
        requireSchema(ask(greedy().responseFormat(schema).build()).aiMessage().text());
        assertTrue(
                ask(greedy().responseFormat(ResponseFormat.JSON).build())
                        .aiMessage()
                        .text()
                        .startsWith("{"));
    }

    @Test
    void anyKeyCanBeSetAndIsObeyed() {
        var drawn = greedy().temperature(1.5).set("seed", 3).build();
        assertEquals(ask(drawn).aiMessage().text(), ask(drawn).aiMessage().text());
        var choice = Map.of("choice", List.of("up", "down"));
        String text = ask(greedy().set("structured_outputs", choice).build()).aiMessage().text();
        assertTrue(List.of("up", "down").contains(text), text);
        ChatResponse told = ask(greedy().set("logprobs", true).build());
        assertEquals(
                told.tokenUsage().outputTokenCount(),
                told.aiMessage().attribute("logprobs", List.class).size());
    }

    @Test
    void whatCantBeObeyedIsRefusedByName() {
        assertTrue(
                refused(InvalidRequestException.class, greedy().set("sed", 3).build())
                        .contains("\"seed\""));
        assertTrue(
                refused(InvalidRequestException.class, greedy().set("temperature", 1).build())
                        .contains("twice"));
        assertTrue(
                refused(ModelNotFoundException.class, greedy().modelName("tony").build())
                        .contains("tiny"));
        var slow = greedy().maxOutputTokens(3000).set("ignore_eos", true).set("timeout", 0.01);
        refused(TimeoutException.class, slow.build());
    }

    private static String refused(
            Class<? extends LangChain4jException> type, ChatRequestParameters parameters) {
        return assertThrows(type, () -> ask(parameters)).getMessage();
    }

    @Test
    void anAdapterIsAskedByItsName() {
        String base = ask(greedy().build()).aiMessage().text();
        models.load("x", RandomModels.adapter(folder.resolve("x"), 1).toString());
        ChatResponse answer = ask(greedy().modelName("x").build());
        assertEquals("x", answer.modelName());
        assertNotEquals(base, answer.aiMessage().text());
        models.unload("x");
        refused(ModelNotFoundException.class, greedy().modelName("x").build());
    }

    /// A handler that waits keeps its own answer waiting, and no other.
    @Test
    void aHandlerThatWaitsStopsNobody() throws Exception {
        var mayGoOn = new CountDownLatch(1);
        var handler = new Waiting(mayGoOn);
        AttuneStreamingChatModel.of(models)
                .withParameters(greedy().build())
                .chat(QUESTION, handler);
        assertTrue(handler.begun.await(30, TimeUnit.SECONDS));
        String whole = model.chat(QUESTION);
        mayGoOn.countDown();
        assertEquals(whole, handler.text.get(30, TimeUnit.SECONDS));
    }

    private static final class Waiting implements StreamingChatResponseHandler {
        final CountDownLatch begun = new CountDownLatch(1);
        final CompletableFuture<String> text = new CompletableFuture<>();
        private final CountDownLatch mayGoOn;

        Waiting(CountDownLatch mayGoOn) {
            this.mayGoOn = mayGoOn;
        }

        @Override
        public void onPartialResponse(String piece) {
            begun.countDown();
            try {
                mayGoOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            text.complete(response.aiMessage().text());
        }

        @Override
        public void onError(Throwable problem) {
            text.completeExceptionally(problem);
        }
    }

    @Test
    void aCancelledAnswerEndsAndSaysNothingMore() throws Exception {
        var pieces = new AtomicInteger();
        var others = new AtomicInteger();
        var isCancelled = new CountDownLatch(1);
        AttuneStreamingChatModel.of(models)
                .withParameters(greedy().maxOutputTokens(3000).set("ignore_eos", true).build())
                .chat(
                        QUESTION,
                        new StreamingChatResponseHandler() {
                            @Override
                            public void onPartialResponse(
                                    PartialResponse piece, PartialResponseContext context) {
                                if (pieces.incrementAndGet() == 3) {
                                    context.streamingHandle().cancel();
                                    isCancelled.countDown();
                                }
                            }

                            @Override
                            public void onCompleteResponse(ChatResponse response) {
                                others.incrementAndGet();
                            }

                            @Override
                            public void onError(Throwable problem) {
                                others.incrementAndGet();
                            }
                        });
        assertTrue(isCancelled.await(30, TimeUnit.SECONDS));
        model.chat(QUESTION); // what was cancelled ends before its next token
        assertEquals(3, pieces.get());
        assertEquals(0, others.get());
    }
}
