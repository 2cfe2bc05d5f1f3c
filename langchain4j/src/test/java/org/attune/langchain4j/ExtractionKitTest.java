package org.attune.langchain4j;

import static org.attune.langchain4j.Script.say;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithJsonSchemaIT;

import org.attune.serve.LocalModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

import java.util.List;
import java.util.Map;

/// What LangChain4j asks of AI services that return objects: the model writes an object, which the
/// schema of the request must allow.
@Tag("thorough")
class ExtractionKitTest extends AbstractAiServiceWithJsonSchemaIT {
    private static final String KLAUS =
            "{\"name\":\"Klaus\",\"age\":37,\"height\":1.78,\"married\":false}";
    private static final String FRANNY =
            "{\"name\":\"Franny\",\"age\":35,\"height\":1.65,\"married\":true}";

    private static final List<Map.Entry<String, List<String>>> LINES =
            List.of(
                    say("Staniel", "{\"values\":[\"SINGLE\",\"MARRIED\",\"MARRIED\"]}"),
                    say(
                            "Franny",
                            "{\"values\":[" + KLAUS + "," + FRANNY + "]}",
                            "{\"values\":[\"Klaus\",\"Franny\"]}",
                            "{\"value\":2}"),
                    say("1.78m height and single", KLAUS, "{\"value\":\"SINGLE\"}"),
                    say("man, 1.78 meters", "{\"value\":true}"),
                    say(
                            "Langley Falls",
                            "{\"name\":\"Klaus\",\"shippingAddress\":{\"city\":\"Langley Falls\"},"
                                    + "\"billingAddress\":{\"city\":\"New York\"}}"),
                    say("Klaus is single", "{\"name\":\"Klaus\",\"maritalStatus\":\"SINGLE\"}"),
                    say(
                            "orange and green",
                            "{\"name\":\"Klaus\",\"favouriteColors\":[\"orange\",\"green\"]}"),
                    say(
                            "Peanut and Muffin",
                            "{\"name\":\"Klaus\",\"pets\":[{\"name\":\"Peanut\"},{\"name\":\"Muffin\"}]}"),
                    say("groups A and C", "{\"name\":\"Klaus\",\"groups\":[\"A\",\"C\"]}"),
                    say(
                            "born at 14:43",
                            "{\"name\":\"Klaus\",\"birthDate\":\"1976-08-12\","
                                + "\"birthTime\":\"14:43\",\"birthDateTime\":\"1976-08-12T14:43\"}",
                            "{\"name\":\"Klaus\","
                                + "\"birthDate\":{\"year\":1976,\"month\":8,\"day\":12},"
                                + "\"birthTime\":{\"hour\":14,\"minute\":43,\"second\":0,\"nano\":0},"
                                + "\"birthDateTime\":{\"date\":{\"year\":1976,\"month\":8,\"day\":12},"
                                + "\"time\":{\"hour\":14,\"minute\":43,\"second\":0,\"nano\":0}}}"),
                    say(
                            "Steve and Hayley",
                            "{\"name\":\"Francine\",\"children\":[{\"name\":\"Steve\",\"children\":[]},"
                                + "{\"name\":\"Hayley\",\"children\":[]}]}"),
                    say(
                            "567b229a",
                            "{\"id\":\"567b229a-6b0a-4f1e-9006-448cd9dfbfda\",\"name\":\"Klaus\"}"),
                    say("-0.5", "{\"value\":-0.5}"),
                    say(
                            "Klaus and Francine",
                            "{\"values\":[{\"name\":\"Klaus\"},{\"name\":\"Francine\"}]}"),
                    say(
                            "Berlin was sunny",
                            "{\"values\":[\"SUNNY\",\"WINDY\",\"RAINY\",\"CLOUDY\"]}"),
                    say(
                            "Whiskers",
                            "{\"values\":[{\"type\":\"Dog\",\"name\":\"Rex\",\"breed\":\"Labrador\"},"
                                + "{\"type\":\"Cat\",\"name\":\"Whiskers\",\"indoor\":true}]}"),
                    say(
                            "Alice owns",
                            "{\"name\":\"Alice\",\"pet\":{\"type\":\"Dog\",\"name\":\"Rex\","
                                    + "\"breed\":\"Labrador\"}}"),
                    say(
                            "Rex is a",
                            "{\"value\":{\"type\":\"Dog\",\"name\":\"Rex\",\"breed\":\"Labrador\"}}"),
                    say(
                            "1+2+3",
                            "{\"value\":" + sum(sum(constant(1), constant(2)), constant(3)) + "}"),
                    say("Klaus", "{\"name\":\"Klaus\"}"));

    private LocalModels local;

    private static String sum(String left, String right) {
        return "{\"type\":\"Addition\",\"left\":" + left + ",\"right\":" + right + "}";
    }

    private static String constant(int value) {
        return "{\"type\":\"Constant\",\"value\":" + value + "}";
    }

    @BeforeAll
    void open() {
        local = Script.open(LINES);
    }

    @AfterAll
    void close() {
        local.close();
    }

    @Override
    protected List<ChatModel> models() {
        return List.of(AttuneChatModel.of(local));
    }

    @Override
    protected boolean supportsRecursion() {
        return true;
    }
}
