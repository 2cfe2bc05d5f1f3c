package org.attune.examples.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.examples.springai.ShopApplication.Order;
import org.attune.examples.springai.ShopApplication.Shop;
import org.attune.serve.LocalModels;
import org.attune.serve.RandomModels;
import org.attune.serve.ScriptedModels;
import org.attune.springai.AttuneChatModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.support.GenericApplicationContext;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// The example with Spring Boot's own configuration, but for the model, which is told what to say.
class ShopApplicationTest {
    private static List<String> answer(String prompt) {
        if (prompt.contains("tool_response")) {
            return List.of(prompt.contains("3") ? "We have 3 lamps." : "There are none.");
        }
        return List.of(
                prompt.contains("two lamps")
                        ? "{\"item\":\"lamps\",\"count\":2}"
                        : prompt.contains("Who are you")
                                ? "The shop."
                                : ScriptedModels.call("stock", Map.of("item", "lamps")),
                "{\"count\":2,\"item\":\"lamps\"}");
    }

    @Test
    void theExampleRuns(@TempDir Path folder) {
        String adapter = RandomModels.adapter(folder.resolve("adapter"), 1).toString();
        LocalModels models =
                ScriptedModels.open(
                        folder.resolve("model"),
                        c -> c.withAdapters(Map.of("manners", adapter)),
                        ShopApplicationTest::answer);
        try (var context =
                new SpringApplicationBuilder(ShopApplication.class)
                        .initializers(
                                c ->
                                        ((GenericApplicationContext) c)
                                                .registerBean(LocalModels.class, () -> models))
                        .properties(
                                "spring.main.web-application-type=none",
                                "spring.main.banner-mode=off")
                        .run()) {
            Shop shop = context.getBean(Shop.class);
            assertEquals("tiny", context.getBean(AttuneChatModel.class).getOptions().getModel());
            assertEquals("We have 3 lamps.", shop.sell("Do you have lamps?"));
            assertEquals(new Order("lamps", 2), shop.order("Please send me two lamps."));
            List<String> pieces = shop.pieces("Who are you?");
            assertEquals("The shop.", String.join("", pieces));
            assertTrue(pieces.size() > 1, pieces::toString);
            shop.improve("manners", adapter);
            assertEquals("The shop.", shop.adapted("manners", "Who are you?"));
        }
    }
}
