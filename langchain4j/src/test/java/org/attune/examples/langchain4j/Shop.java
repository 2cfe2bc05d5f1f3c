package org.attune.examples.langchain4j;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.TokenStream;

import org.attune.langchain4j.AttuneChatModel;
import org.attune.langchain4j.AttuneChatRequestParameters;
import org.attune.langchain4j.AttuneStreamingChatModel;
import org.attune.models.ModelConfig;
import org.attune.serve.LocalModels;
import org.attune.serve.ServeConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// A shop that answers its customers by a model in its own process: `Shop MODEL ADAPTER`.
/// It calls a tool, reads an order into a record, streams an answer, and replaces an adapter.
public final class Shop {
    private final LocalModels models;
    private final AttuneChatModel chat;

    Shop(LocalModels models) {
        this.models = models;
        // any key of /v1/chat/completions can be set
        var parameters = AttuneChatRequestParameters.builder().set("seed", 1).build();
        chat = AttuneChatModel.of(models).withParameters(parameters);
    }

    interface Seller {
        String answer(String question);

        TokenStream say(String question);
    }

    record Order(String item, int count) {}

    interface Clerk {
        Order read(String letter);
    }

    @Tool("how many of an item are there")
    int stock(String item) {
        return item.equals("lamps") ? 3 : 0;
    }

    /// The model asks the shop for its stock.
    String sell(String question) {
        return seller().answer(question);
    }

    private Seller seller() {
        return AiServices.builder(Seller.class)
                .chatModel(chat)
                .streamingChatModel(AttuneStreamingChatModel.of(models))
                .chatMemory(MessageWindowChatMemory.withMaxMessages(20))
                .tools(this)
                .build();
    }

    /// Each token keeps to the schema of the record.
    Order order(String letter) {
        return AiServices.create(Clerk.class, chat).read(letter);
    }

    /// Pieces come on another thread.
    List<String> pieces(String question) {
        var pieces = new ArrayList<String>();
        var isComplete = new CompletableFuture<Void>();
        seller().say(question)
                .onPartialResponse(pieces::add)
                .onCompleteResponse(_ -> isComplete.complete(null))
                .onError(isComplete::completeExceptionally)
                .start();
        isComplete.join();
        return pieces;
    }

    /// Answers under way end with the adapter that they began with.
    String adapted(String adapter, String question) {
        models.load("manners", adapter);
        var polite = ChatRequestParameters.builder().modelName("manners").build();
        return AttuneChatModel.of(models).withParameters(polite).chat(question);
    }

    public static void main(String[] args) {
        try (var models = LocalModels.open(ServeConfig.of(ModelConfig.of(args[0])))) {
            var shop = new Shop(models);
            System.out.println(shop.sell("Do you have lamps?"));
            System.out.println(shop.order("Please send me two lamps."));
            System.out.println(String.join("|", shop.pieces("Who are you?")));
            System.out.println(shop.adapted(args[1], "Who are you?"));
        }
    }
}
