package org.attune.examples.springai;

import org.attune.serve.LocalModels;
import org.attune.springai.AttuneChatOptions;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

import java.util.List;
import java.util.Map;

/// A shop that answers its customers by a model in its own process. Spring Boot opens it:
/// `ShopApplication --spring.ai.attune.model=MODEL --spring.ai.attune.adapters.manners=ADAPTER`.
/// It calls a tool, reads an order into a record, streams an answer, and asks an adapter.
@SpringBootApplication
public class ShopApplication {
    record Order(String item, int count) {}

    /// What the model may ask the shop.
    public static final class Stock {
        private final Map<String, Integer> items = Map.of("lamps", 3, "chairs", 0);

        @Tool(description = "how many of an item are there")
        int stock(String item) {
            return items.getOrDefault(item, 0);
        }
    }

    /// The shop's answers.
    public static final class Shop {
        private final ChatClient client;
        private final LocalModels models;

        Shop(ChatClient client, LocalModels models) {
            this.client = client;
            this.models = models;
        }

        /// The model asks the shop for its stock.
        String sell(String question) {
            return client.prompt(question).tools(new Stock()).call().content();
        }

        /// Each token keeps to the schema of the record.
        Order order(String letter) {
            return client.prompt(letter)
                    .advisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT)
                    .call()
                    .entity(Order.class);
        }

        /// Pieces of an answer as they come.
        List<String> pieces(String question) {
            return client.prompt(question).stream().content().collectList().block();
        }

        /// An adapter is a model; any key of `/v1/chat/completions` can be set.
        String adapted(String adapter, String question) {
            return client.prompt(question)
                    .options(AttuneChatOptions.builder().model(adapter).set("seed", 1))
                    .call()
                    .content();
        }

        /// Replaces an adapter; answers under way end with the one that they began with.
        void improve(String adapter, String folder) {
            models.load(adapter, folder);
        }
    }

    @Bean
    Shop shop(ChatClient.Builder builder, LocalModels models) {
        return new Shop(builder.build(), models);
    }

    public static void main(String[] args) {
        try (var context = SpringApplication.run(ShopApplication.class, args)) {
            Shop shop = context.getBean(Shop.class);
            System.out.println(shop.sell("Do you have lamps?"));
            System.out.println(shop.order("Please send me two lamps."));
            System.out.println(String.join("|", shop.pieces("Who are you?")));
            System.out.println(shop.adapted("manners", "Who are you?"));
        }
    }
}
