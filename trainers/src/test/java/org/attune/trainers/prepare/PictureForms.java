package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.ColumnUse;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.images.ImagePipeline;
import org.attune.images.Picture;
import org.attune.images.SeenPicture;
import org.attune.text.ChatTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.TrainingRow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/// Rows with pictures in several forms, and pictures in several places, prepared for the embedded
/// model that sees.
final class PictureForms {
    private static final Path LOOK =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/look");
    static final Path RECORDED =
            Path.of("src/test/resources/recorded/pictures/forms").toAbsolutePath();

    /// Which shows parts of known types alone, as SmolVLM's does.
    private static final String TEMPLATE =
            "{% for m in messages %}<|{{ m.role }}|>{% for part in m.content %}"
                    + "{% if part.type == 'text' %}{{ part.text }}"
                    + "{% elif part.type == 'image' %}<image>{% endif %}{% endfor %}"
                    + "<end_of_utterance>{% endfor %}"
                    + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

    static final String PARTS =
            "[{'type':'text','text':'First '},{'type':'image'},{'type':'text','text':' then '},"
                    + "{'type':'image'},{'type':'text','text':' which?'}]";
    static final String TAGS = "'First <image> then <image> which?'";
    private static final String OWN =
            "[{'type':'text','text':'First '},%s,{'type':'text','text':' then '},%s,"
                    + "{'type':'text','text':' which?'}]";

    static final String ASKED = "[{'role':'user','content':%s}]".formatted(PARTS);
    static final String ASKED_TEXTS = "[{'role':'user','content':%s}]".formatted(TAGS);
    static final String LEFT = "[{'role':'assistant','content':'left'}]";
    static final String RIGHT = "[{'role':'assistant','content':'right'}]";

    /// Conversations to learn; `@A` and `@B` are pictures.
    static final Map<String, String> TALKS = talks();

    private final Path folder;
    final SampleTokenizer tokenizer;

    /// @param folder of the rows' files
    /// @param text   of the embedded model; borrowed
    PictureForms(Path folder, TextAssets text) {
        this.folder = folder;
        ChatTemplate strict = JinjaChatTemplate.compile("strict", TEMPLATE, text.specials());
        tokenizer =
                new SampleTokenizer(text.tokenizer(), Optional.of(strict))
                        .seeing(
                                ImagePipeline.open(LOOK, ImagePipeline.Options.DEFAULT)
                                        .orElseThrow());
    }

    static TextAssets text() {
        return TextAssets.load(LOOK);
    }

    private static Map<String, String> talks() {
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put("TRL's parts", talk("'images':[@A,@B],'messages'", "role", "content", PARTS));
        rows.put("texts", talk("'images':[@A,@B],'messages'", "role", "content", TAGS));
        String parts = "{'type':'image','image':@A}#{'type':'image','image':@B}";
        rows.put("Qwen's parts", talk("'messages'", "role", "content", own(parts)));
        String bare = own("{'image':@A}#{'image':@B}").replace("'type':'text',", "");
        rows.put("Qwen's parts without types", talk("'messages'", "role", "content", bare));
        String urls =
                "{'type':'image_url','image_url':{'url':@A}}#{'type':'image_url','image_url':@B}";
        rows.put("OpenAI's parts", talk("'messages'", "role", "content", own(urls)));
        String inputs =
                own("{'type':'input_image','image_url':@A}#{'type':'input_image','image_url':@B}")
                        .replace("'text',", "'input_text',");
        rows.put("OpenAI's inputs", talk("'messages'", "role", "content", inputs));
        rows.put("prompt", "{'images':[@A,@B],'prompt':%s,'completion':%s}".formatted(ASKED, LEFT));
        rows.put(
                "prompt of texts",
                "{'image':[@A,@B],'prompt':%s,'completion':%s}".formatted(ASKED_TEXTS, LEFT));
        rows.put("ShareGPT", talk("'images':[@A,@B],'conversations'", "from", "value", TAGS));
        rows.put("LLaVA", talk("'image':[@A,@B],'conversations'", "from", "value", TAGS));
        rows.put("ChatML", talk("'image':[@A,@B],'conversations'", "role", "content", TAGS));
        rows.put(
                "Alpaca",
                "{'images':[@A,@B],'instruction':'First <image> then','input':'','output':'left'}"
                        .replace("then'", "then <image> which?'"));
        rows.put("query", "{'images':[@A,@B],'query':" + TAGS + ",'response':'left'}");
        return rows;
    }

    static String own(String two) {
        return OWN.formatted((Object[]) two.split("#", -1));
    }

    static String talk(String begin, String role, String content, String asked) {
        boolean shared = role.equals("from");
        return "{%s:[{'%s':'%s','%s':%s},{'%s':'%s','%s':'left'}]}"
                .formatted(
                        begin,
                        role,
                        shared ? "human" : "user",
                        content,
                        asked,
                        role,
                        shared ? "gpt" : "assistant",
                        content);
    }

    /// Ways to say where a picture is, as JSON.
    private Map<String, String> sources(String name) throws IOException {
        String absolute = RECORDED.resolve(name).toString();
        String base64 = Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(absolute)));
        Map<String, String> sources = new LinkedHashMap<>();
        sources.put("path", quoted("pictures/" + name));
        sources.put("absolute path", quoted(absolute));
        sources.put("file: URL", quoted(Path.of(absolute).toUri().toString()));
        sources.put("file:// and a path", quoted("file://" + absolute));
        sources.put("file://localhost", quoted("file://localhost" + absolute));
        sources.put("file:// and a relative path", quoted("file://pictures/" + name));
        sources.put("data: URL", quoted("data:image/png;base64," + base64));
        sources.put("data: URL of Qwen", quoted("data:image;base64," + base64));
        return sources;
    }

    /// Those that only columns and parts of the type `image` have.
    private Map<String, String> structures(String name) throws IOException {
        Map<String, String> structures = new LinkedHashMap<>(sources(name));
        String base64 =
                Base64.getEncoder().encodeToString(Files.readAllBytes(RECORDED.resolve(name)));
        structures.put("bytes", "{'bytes':'" + base64 + "','path':null}");
        structures.put("bytes and a name", "{'bytes':'" + base64 + "','path':'gone.png'}");
        structures.put("path in an object", "{'bytes':null,'path':'pictures/" + name + "'}");
        return structures;
    }

    private static String quoted(String text) {
        return "'" + text + "'";
    }

    Path rows(String name, String row) throws IOException {
        Path pictures = folder.resolve("pictures");
        if (!Files.exists(pictures)) {
            Files.createDirectory(pictures);
            for (String file : List.of("a.png", "b 1.png")) {
                Files.copy(RECORDED.resolve(file), pictures.resolve(file));
            }
        }
        return Files.writeString(folder.resolve(name), row.replace('\'', '"') + "\n");
    }

    List<Sample> samples(DatasetSource source, DatasetType... types) {
        var strict = new ColumnUse.RowsOnly(Set.of("answer", "solution"));
        return new DatasetLoader(folder, new HubCache(folder), BadRowPolicy.ERROR, strict)
                .seeing(true)
                .load(List.of(source), Set.of(types))
                .samples();
    }

    static List<int[]> sequences(List<? extends TrainingRow> rows) {
        assertEquals(1, rows.size());
        return rows.getFirst().sequences();
    }

    static void assertAlike(List<int[]> expected, List<int[]> got, String what) {
        assertEquals(expected.size(), got.size(), what);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), got.get(i), what);
        }
    }

    /// SHA-256 of the pictures in a sequence.
    static List<String> hashes(int[] ids) {
        return Arrays.stream(ids)
                .filter(id -> SeenPicture.isRow(id) && SeenPicture.at(id).row() == 0)
                .mapToObj(id -> SeenPicture.at(id).picture().key().substring(0, 64))
                .toList();
    }

    /// Reads each form with pictures from each place.
    ///
    /// @return how many were compared
    int compare(Map<String, String> forms, Function<DatasetSource, List<int[]>> prepared)
            throws IOException {
        Map<String, String> a = structures("a.png");
        Map<String, String> b = structures("b 1.png");
        List<int[]> expected = null;
        List<String> wrong = new ArrayList<>();
        int compared = 0;
        for (Map.Entry<String, String> form : forms.entrySet()) {
            boolean addresses = form.getKey().startsWith("OpenAI");
            for (String from : addresses ? sources("a.png").keySet() : a.keySet()) {
                String row = form.getValue().replace("@A", a.get(from)).replace("@B", b.get(from));
                Path file = rows("rows.jsonl", row);
                try {
                    List<int[]> got = prepared.apply(DatasetSource.of(file.toString()));
                    expected = expected == null ? got : expected;
                    assertAlike(expected, got, form.getKey() + ", " + from);
                } catch (RuntimeException | AssertionError e) {
                    wrong.add(form.getKey() + ", " + from + ": " + e.getMessage());
                }
                compared++;
            }
        }
        assertTrue(wrong.isEmpty(), String.join("\n", wrong));
        for (int[] sequence : expected) {
            assertEquals(pictures(), hashes(sequence));
        }
        return compared;
    }

    /// SHA-256 of both pictures in order.
    static List<String> pictures() {
        return Stream.of("a.png", "b 1.png")
                .map(name -> Picture.at(name, RECORDED.resolve(name)).hash())
                .toList();
    }

    String talkOf(String form) throws IOException {
        return TALKS.get(form)
                .replace("@A", structures("a.png").get("data: URL"))
                .replace("@B", structures("b 1.png").get("data: URL"));
    }
}
