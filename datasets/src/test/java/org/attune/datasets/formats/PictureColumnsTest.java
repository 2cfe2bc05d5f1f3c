package org.attune.datasets.formats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class PictureColumnsTest {
    private static final String TEXTS =
            "[{'role': 'user', 'content': 'A %s'}, {'role': 'assistant', 'content': 'B'}]";

    @TempDir Path folder;

    @BeforeEach
    void writePictures() throws IOException {
        Files.writeString(folder.resolve("a.png"), "a");
        Files.createDirectory(folder.resolve("more"));
        Files.writeString(folder.resolve("more/b.png"), "b");
    }

    private Row row(String json) {
        Map<String, Object> columns = new LinkedHashMap<>();
        ((Map<?, ?>) Json.parse(json.replace('\'', '"')))
                .forEach((key, value) -> columns.put((String) key, value));
        return row(columns);
    }

    private Row row(Map<String, Object> columns) {
        return new Row(columns, new RowOrigin(folder.resolve("rows.jsonl").toString(), 3, 2));
    }

    private static Sample read(Row row, DatasetType type) {
        return new SampleReader(type, false).seeing().read(row);
    }

    /// Texts and pictures of a sample's messages in order; pictures by their place in the row.
    private static List<String> shown(Sample sample) {
        List<Message> messages =
                switch (sample) {
                    case Sample.LanguageModeling one -> ((Content.Turns) one.content()).messages();
                    case Sample.PromptCompletion one -> ((Content.Turns) one.prompt()).messages();
                    case Sample.Preference one -> ((Content.Turns) one.prompt()).messages();
                    default -> throw new AssertionError(sample);
                };
        List<String> shown = new ArrayList<>();
        for (Message message : messages) {
            Object content = message.fields().get("content");
            for (Object part : content instanceof List<?> parts ? parts : List.of(content)) {
                shown.add(
                        part instanceof Map<?, ?> map
                                ? map.get("image") instanceof Picture picture
                                        ? picture.name().replaceFirst(".*jsonl:3: ", "")
                                        : String.valueOf(map.get("text"))
                                : String.valueOf(part));
            }
        }
        return shown;
    }

    @Test
    void picturesStandBeforeTheFirstQuestion() {
        Row row = row("{'images': ['a.png', 'more/b.png'], 'messages': %s}".formatted(TEXTS));
        assertEquals(
                List.of("images[0] (a.png)", "images[1] (more/b.png)", "A %s", "B"),
                shown(read(row, DatasetType.LANGUAGE_MODELING)));
    }

    @Test
    void aPlaceWithoutTextBeforeOrBehindIsAPictureAlone() {
        Row row =
                row(
                        "{'images': ['a.png', 'more/b.png'], 'messages': ["
                                + "{'role': 'user', 'content': '<image>A'},"
                                + " {'role': 'assistant', 'content': 'B'},"
                                + " {'role': 'user', 'content': '<image>'},"
                                + " {'role': 'assistant', 'content': 'C'}]}");
        assertEquals(
                List.of("images[0] (a.png)", "A", "B", "images[1] (more/b.png)", "C"),
                shown(read(row, DatasetType.LANGUAGE_MODELING)));
    }

    /// What a tool answers may be a list of anything.
    @Test
    void whatAToolAnswersIsNoPlace() {
        Row row =
                row(
                        "{'images': ['a.png'], 'messages': [{'role': 'user', 'content': 'A'},"
                            + " {'role': 'assistant', 'content': '', 'tool_calls': [{'type':"
                            + " 'function', 'function': {'name': 'f', 'arguments': {}}}]}, {'role':"
                            + " 'tool', 'name': 'f', 'content': [{'type': 'image'}]}, {'role':"
                            + " 'assistant', 'content': 'B'}]}");
        List<String> shown = shown(read(row, DatasetType.LANGUAGE_MODELING));
        assertEquals(List.of("images[0] (a.png)", "A"), shown.subList(0, 2));
    }

    /// The pictures of a row are those of its prompt.
    @Test
    void aPlaceInAnAnswerIsRefused() {
        String answer = "[{'role': 'assistant', 'content': [{'type': 'image'}]}]";
        Row row =
                row(
                        "{'images': ['a.png'], 'prompt': [{'role': 'user', 'content': 'A'}],"
                                + " 'completion': %s}".formatted(answer));
        String message =
                assertThrows(DatasetException.class, () -> read(row, DatasetType.PROMPT_COMPLETION))
                        .getMessage();
        assertTrue(message.contains("column completion has places for 1 of them"), message);
    }

    @Test
    void placesInTextsAreTakenIfThereAreAsManyAsPictures() {
        String two = TEXTS.formatted("<image> or <image>?");
        Row row = row("{'images': ['a.png', 'more/b.png'], 'messages': %s}".formatted(two));
        assertEquals(
                List.of("A ", "images[0] (a.png)", " or ", "images[1] (more/b.png)", "?", "B"),
                shown(read(row, DatasetType.LANGUAGE_MODELING)));
        Row one = row("{'images': ['a.png'], 'messages': %s}".formatted(two));
        String message =
                assertThrows(DatasetException.class, () -> read(one, DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(message.contains("rows.jsonl:3: the row has 1 pictures"), message);
        assertTrue(message.contains("2 of them in texts"), message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'type': 'image', 'image': 'a.png'}",
                "{'type': 'image', 'path': 'a.png'}",
                "{'type': 'image', 'url': 'a.png', 'text': null}",
                "{'type': 'image', 'image': {'bytes': null, 'path': 'a.png'}}",
                "{'type': 'image', 'base64': 'YQ=='}",
                "{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,YQ=='}}",
                "{'type': 'input_image', 'image_url': 'data:image/png;base64,YQ=='}",
                "{'image': 'a.png', 'type': null}"
            })
    void partsHoldPicturesInManyForms(String part) {
        Row row =
                row(
                        "{'messages': [{'role': 'user', 'content': [%s, {'type': 'text', 'text': 'A'}]},"
                                        .formatted(part)
                                + " {'role': 'assistant', 'content': 'B'}]}");
        Sample.LanguageModeling sample =
                (Sample.LanguageModeling) read(row, DatasetType.LANGUAGE_MODELING);
        List<Picture> pictures =
                Conversation.of(((Content.Turns) sample.content()).messages()).pictures();
        assertEquals(List.of(Picture.of("a", new byte[] {'a'})), pictures);
    }

    /// What Parquet and Arrow give.
    @Test
    void bytesAreKeptAsTheyAre() {
        byte[] file = {1, 2, 3};
        Map<String, Object> columns = new LinkedHashMap<>();
        Map<String, Object> struct = new LinkedHashMap<>();
        struct.put("bytes", file);
        struct.put("path", "gone.png");
        columns.put("image", struct);
        columns.put("prompt", Json.parse("[{\"role\": \"user\", \"content\": \"A\"}]"));
        columns.put("completion", Json.parse("[{\"role\": \"assistant\", \"content\": \"B\"}]"));
        Sample sample = read(row(columns), DatasetType.PROMPT_COMPLETION);
        assertEquals(List.of("image", "A"), shown(sample));
        Content.Turns prompt = (Content.Turns) ((Sample.PromptCompletion) sample).prompt();
        assertEquals(
                Picture.of("x", file.clone()),
                Conversation.of(prompt.messages()).pictures().getFirst());
        assertArrayEquals(new byte[] {1, 2, 3}, file);
    }

    @Test
    void picturesOfPairsStandInTheCommonPrompt() {
        Row row =
                row(
                        "{'images': ['a.png'], 'chosen': %s, 'rejected': %s}"
                                .formatted(TEXTS, TEXTS.replace("'B'", "'C'")));
        assertEquals(
                List.of("images[0] (a.png)", "A %s"), shown(read(row, DatasetType.PREFERENCE)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'gone.png' # there is no file gone.png",
                "'https://example.org/a.png' # download it first",
                "'data:image/png,abc' # without ;base64,",
                "7 # accepted: a path, bytes",
                "{'bytes': '*'} # is no Base64",
                "'s3://pictures/a.png' # there is no file s3://pictures/a.png",
                "'file:///gone%20.png' # there is no file file:///gone%20.png",
                "null # images[0] is null"
            })
    void whatIsNoPictureIsRefusedWithItsPlace(String wrong) {
        String[] parts = wrong.split(" # ", -1);
        Row row = row("{'images': [%s], 'messages': %s}".formatted(parts[0], TEXTS));
        String message =
                assertThrows(DatasetException.class, () -> read(row, DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(message.contains("rows.jsonl:3: images[0]"), message);
        assertTrue(message.contains(parts[1]), message);
    }

    @Test
    void bareBase64IsToldWhatBelongsBeforeIt() {
        Row row = row("{'image': '%s==', 'messages': %s}".formatted("YWJj".repeat(99), TEXTS));
        String message =
                assertThrows(DatasetException.class, () -> read(row, DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(message.contains("behind data:image/png;base64,"), message);
        assertTrue(message.length() < 500, message);
    }

    /// Qwen's tools resize a picture as its part says; nothing here would.
    @ParameterizedTest
    @ValueSource(strings = {"min_pixels", "max_pixels", "resized_height", "resized_width"})
    void sizesOfSinglePicturesAreRefused(String key) {
        String row =
                "{'messages': [{'role': 'user', 'content': [{'image': 'a.png', '%s': %s}]},"
                        + " {'role': 'assistant', 'content': 'B'}]}";
        assertEquals(
                List.of("messages, part 1 (a.png)", "B"),
                shown(read(row(row.formatted(key, "null")), DatasetType.LANGUAGE_MODELING)));
        String message =
                assertThrows(
                                DatasetException.class,
                                () ->
                                        read(
                                                row(row.formatted(key, "12544")),
                                                DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(message.contains("rows.jsonl:3: messages, part 1 has " + key), message);
        assertTrue(message.contains("image_settings"), message);
    }

    @Test
    void videosAreRefusedByName() {
        Row row =
                row(
                        "{'messages': [{'role': 'user', 'content': [{'type': 'video', 'video':"
                                + " 'a.mp4'}]}, {'role': 'assistant', 'content': 'B'}]}");
        String message =
                assertThrows(DatasetException.class, () -> read(row, DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(message.contains("type video; accepted: text, image"), message);
    }

    /// Its template would fail on them, or write tokens for pictures that nobody sees.
    @Test
    void aModelThatSeesNothingTakesNoPicturesInMessages() {
        String talk =
                "{'messages': [{'role': 'user', 'content': [%s]},"
                        + " {'role': 'assistant', 'content': 'B'}]}";
        var reader = new SampleReader(DatasetType.LANGUAGE_MODELING, false);
        Row texts = row(talk.formatted("{'type': 'text', 'text': 'A', 'image': null}"));
        assertEquals(List.of("A", "B"), shown(reader.read(texts)));
        Row pictures = row(talk.formatted("{'type': 'image', 'image': 'a.png'}"));
        String message =
                assertThrows(DatasetException.class, () -> reader.read(pictures)).getMessage();
        assertTrue(
                message.contains("rows.jsonl:3: column messages holds pictures, and the model"),
                message);
    }

    @Test
    void plainTextHasNoPlaceForPictures() {
        Row row = row("{'image': 'a.png', 'text': 'A'}");
        String message =
                assertThrows(DatasetException.class, () -> read(row, DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(message.contains("pictures stand in messages"), message);
    }
}
