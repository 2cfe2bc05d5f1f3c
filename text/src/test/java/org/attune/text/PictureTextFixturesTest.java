package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.images.ImagePipeline;
import org.attune.images.Picture;
import org.attune.images.SeenPicture;
import org.attune.json.Json;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Conversations with pictures as the processors of transformers tokenise them.
@Tag("fixtures-text")
final class PictureTextFixturesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "gemma3",
                "idefics3",
                "internvl",
                "llava",
                "llava_next",
                "llava_onevision",
                "mistral3",
                "paligemma",
                "pixtral",
                "qwen2_5_vl",
                "qwen2_vl",
                "qwen3_vl",
                "smolvlm"
            })
    void conversationsHaveTheProcessorsTokens(String family) throws IOException {
        Path model = Fixtures.fixture("vision/models/" + family);
        JsonNode recorded =
                Json.MAPPER.readTree(TextFixtures.text("vision/text/%s.json".formatted(family)));
        ImagePipeline images =
                ImagePipeline.open(model, ImagePipeline.Options.DEFAULT).orElseThrow();
        int masks = 0;
        int grids = 0;
        try (TextAssets assets = TextAssets.load(model)) {
            ChatTokenizer chat = assets.chat().withPictures(images);
            for (JsonNode row : recorded.path("cases")) {
                if (!row.hasNonNull("input_ids")) {
                    assertTrue(conversation(row.path("messages")).pictures().isEmpty());
                    continue; // PaliGemma's processor refuses texts without a picture
                }
                String name = family + ", " + row.path("name").textValue();
                Conversation conversation = conversation(row.path("messages"));
                ChatTemplate.Tail tail =
                        row.path("add_generation_prompt").booleanValue()
                                ? ChatTemplate.Tail.GENERATION_PROMPT
                                : ChatTemplate.Tail.NOTHING;
                if (images.endsPrompts()
                        && tail == ChatTemplate.Tail.NOTHING
                        && conversation.messages().getLast().role().equals("assistant")) {
                    continue; // an answer stands behind the prompt: answersAreSuffixes
                }
                assertEquals(
                        row.path("text").textValue(),
                        assets.template().orElseThrow().render(conversation, tail).text(),
                        name);
                int[] ids = ints(row.path("input_ids"));
                int token = assets.tokenizer().id(images.imageToken()).orElseThrow();
                int[] encoded = chat.encode(conversation, tail).ids();
                assertArrayEquals(ids, SeenPicture.named(encoded, token), name);
                if (row.hasNonNull("assistant_masks")) {
                    var masked = chat.encodeWithMask(conversation, tail);
                    assertArrayEquals(ids, SeenPicture.named(masked.ids(), token), name);
                    int[] mask = ints(row.path("assistant_masks"));
                    boolean[] said = ((AssistantMask.Known) masked.assistant()).tokens();
                    for (int i = 0; i < mask.length; i++) {
                        assertEquals(mask[i] == 1, said[i], name + ", token " + i);
                    }
                    masks++;
                }
                grids += requireGrids(images, conversation, row, ids, assets.tokenizer());
            }
        }
        System.out.printf(
                "%s: %d conversations, %d masks, %d grids%n",
                family, recorded.path("cases").size(), masks, grids);
        assertEquals(14, recorded.path("cases").size());
        assertEquals(family.equals("internvl") || family.equals("paligemma") ? 0 : 3, masks);
    }

    /// A prompt of PaliGemma sees itself, and the answer is what its processor calls the suffix.
    @Test
    void answersAreSuffixes() throws IOException {
        Path model = Fixtures.fixture("vision/models/paligemma");
        ImagePipeline images =
                ImagePipeline.open(model, ImagePipeline.Options.DEFAULT).orElseThrow();
        try (TextAssets assets = TextAssets.load(model);
                InputStream recorded = getClass().getResourceAsStream("suffixes.json")) {
            ChatTokenizer chat = assets.chat().withPictures(images);
            int token = assets.tokenizer().id(images.imageToken()).orElseThrow();
            for (JsonNode row : Json.MAPPER.readTree(recorded)) {
                Conversation conversation = conversation(row.path("messages"));
                var found = chat.encodeWithMask(conversation, ChatTemplate.Tail.NOTHING);
                String name = row.path("messages").toString();
                assertArrayEquals(
                        ints(row.path("input_ids")), SeenPicture.named(found.ids(), token), name);
                int[] types = ints(row.path("token_type_ids"));
                int prompt = (int) Arrays.stream(types).filter(type -> type == 0).count();
                assertEquals(prompt, SeenPicture.promptLength(found.ids()), name);
                boolean[] said = ((AssistantMask.Known) found.assistant()).tokens();
                for (int i = 0; i < types.length; i++) {
                    assertEquals(types[i] == 1, said[i], name);
                }
                int[] asked =
                        chat.encode(
                                        Conversation.of(conversation.messages().subList(0, 1)),
                                        ChatTemplate.Tail.GENERATION_PROMPT)
                                .ids();
                assertArrayEquals(Arrays.copyOf(found.ids(), prompt), asked, name);
            }
        }
    }

    /// Every image token is the picture's, and grids are the recorded ones.
    private static int requireGrids(
            ImagePipeline images,
            Conversation conversation,
            JsonNode row,
            int[] ids,
            Tokenizer tokenizer) {
        List<Picture> pictures = conversation.pictures();
        int tokens = 0;
        int grids = 0;
        for (int i = 0; i < pictures.size(); i++) {
            boolean alone = pictures.size() == 1;
            ImagePipeline.Prepared prepared = images.prepare(pictures.get(i), alone);
            tokens += prepared.tokens();
            assertEquals(prepared.tokens(), images.tokens(pictures.get(i), alone));
            for (String key : List.of("image_grid_thw", "image_sizes")) {
                if (row.hasNonNull(key)) {
                    int[] wanted = ints(row.path(key).get(i));
                    int[] told = Arrays.copyOf(prepared.grid(), wanted.length); // tiles may follow
                    assertArrayEquals(wanted, told);
                    grids++;
                }
            }
        }
        int id = tokenizer.id(images.imageToken()).orElseThrow();
        int inText = 0;
        JsonNode types =
                row.path(row.has("mm_token_type_ids") ? "mm_token_type_ids" : "token_type_ids");
        boolean marksImages = !types.isMissingNode() && !images.imageToken().equals("<image>");
        for (int i = 0; i < ids.length; i++) {
            inText += ids[i] == id ? 1 : 0;
            if (marksImages) {
                assertEquals(types.get(i).intValue() == 1, ids[i] == id);
            }
        }
        assertEquals(tokens, inText);
        return grids;
    }

    private static Conversation conversation(JsonNode given) throws IOException {
        List<Message> messages = new ArrayList<>();
        for (JsonNode message : given) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("role", message.path("role").textValue());
            JsonNode content = message.path("content");
            fields.put("content", content.isTextual() ? content.textValue() : parts(content));
            messages.add(new Message(fields));
        }
        return Conversation.of(messages);
    }

    private static List<Object> parts(JsonNode content) throws IOException {
        List<Object> parts = new ArrayList<>();
        for (JsonNode part : content) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("type", part.path("type").textValue());
            if (part.has("text")) {
                fields.put("text", part.path("text").textValue());
            } else {
                String name = part.path("image").textValue();
                Path file = Fixtures.fixture("vision/images/" + name);
                fields.put("image", Picture.of(name, Files.readAllBytes(file)));
            }
            parts.add(fields);
        }
        return parts;
    }

    private static int[] ints(JsonNode list) {
        return Json.MAPPER.convertValue(list, int[].class);
    }
}
