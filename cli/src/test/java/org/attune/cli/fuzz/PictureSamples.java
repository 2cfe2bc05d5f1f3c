package org.attune.cli.fuzz;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

import javax.imageio.ImageIO;

/// Pictures of every kind, and rows with pictures beside the files of a model that sees.
final class PictureSamples {
    private static final String ROWS =
            """
            {"image": "a.png", "messages": [{"role": "user", "content": "ab"}, {"role": "assistant", "content": "b"}]}
            {"images": ["a.png"], "messages": [{"role": "user", "content": "a <image> b"}, {"role": "assistant", "content": "c"}]}
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,%s"}}, {"type": "text", "text": "a"}]}, {"role": "assistant", "content": "c"}]}
            {"images": [{"bytes": "%s", "path": null}], "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}]}
            """;

    private static final String PAIRS =
            """
            {"images": ["a.png", "b.jpg"], "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}, {"type": "image"}]}], "completion": [{"role": "assistant", "content": [{"type": "text", "text": "b"}]}]}
            """;

    private static final String CONFIG =
            """
            {"model_type": "llava", "image_token_index": 11, "vision_feature_select_strategy": "default"}
            """;

    private static final String PROCESSOR =
            """
            {"processor_class": "LlavaProcessor", "patch_size": 4, "vision_feature_select_strategy": "default",
             "num_additional_image_tokens": 1, "image_token": "<image>",
             "image_processor": {"image_processor_type": "CLIPImageProcessor", "do_resize": true, "size": {"shortest_edge": 8},
               "do_center_crop": true, "crop_size": {"height": 8, "width": 8}, "do_rescale": true, "rescale_factor": 0.00392156862745098,
               "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3, "do_convert_rgb": true}}
            """;

    private static final String TEMPLATE =
            "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for c"
                + " in m.content %}{{ '<image>' if c.type == 'image' else c.text }}{% endfor %}{%"
                + " endif %}{% endfor %}";

    private PictureSamples() {}

    /// Files of pictures.
    static List<Sample> files() {
        List<Sample> files = new ArrayList<>();
        for (String kind : List.of("png", "jpg", "gif", "bmp", "tiff")) {
            files.add(Sample.of("a." + kind, drawn(kind, BufferedImage.TYPE_INT_RGB)));
        }
        files.add(Sample.of("a.png", drawn("png", BufferedImage.TYPE_4BYTE_ABGR)));
        files.add(Sample.of("a.png", drawn("png", BufferedImage.TYPE_BYTE_INDEXED)));
        files.add(Sample.of("a.png", drawn("png", BufferedImage.TYPE_USHORT_GRAY)));
        files.add(Sample.of("a.jpg", drawn("jpg", BufferedImage.TYPE_BYTE_GRAY)));
        files.add(Sample.of("a.webp", webp()));
        return files;
    }

    /// Rows that name pictures or hold them.
    static List<Sample> rows() {
        byte[] png = drawn("png", BufferedImage.TYPE_INT_RGB);
        String bytes = Base64.getEncoder().encodeToString(png);
        Sample all =
                Sample.of("rows.jsonl", ROWS.formatted(bytes, bytes))
                        .with("a.png", png)
                        .with("b.jpg", drawn("jpg", BufferedImage.TYPE_INT_RGB))
                        .with("config.json", CONFIG)
                        .with("processor_config.json", PROCESSOR)
                        .with("chat_template.jinja", TEMPLATE)
                        .with("tokenizer.json", tokenizer())
                        .with("tokenizer_config.json", "{\"eos_token\": \"<pad>\"}");
        return List.of(
                all,
                all.with("rows.jsonl", PAIRS),
                first(all, "processor_config.json"),
                first(all, "a.png"));
    }

    private static Sample first(Sample sample, String name) {
        Sample first = Sample.of(name, sample.files().get(name));
        for (var file : sample.files().entrySet()) {
            first = first.with(file.getKey(), file.getValue());
        }
        return first;
    }

    private static String tokenizer() {
        String image =
                """
                {"id": 11, "content": "<image>", "single_word": false, "lstrip": false,
                 "rstrip": false, "normalized": false, "special": true}],
                "normalizer"
                """;
        return TokenizerSamples.BYTE_LEVEL.replaceFirst("\\],\\s*\"normalizer\"", "," + image);
    }

    private static byte[] drawn(String kind, int type) {
        var image = new BufferedImage(13, 9, type);
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                image.setRGB(x, y, 0xFF000000 | x * 19 << 16 | y * 28 << 8 | 7);
            }
        }
        var bytes = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(image, kind, bytes)) {
                throw new IllegalStateException("no writer of " + kind);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /// The beginning of a lossless one, which needs a plug-in.
    private static byte[] webp() {
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes("RIFF".getBytes(StandardCharsets.US_ASCII));
        bytes.writeBytes(new byte[] {26, 0, 0, 0});
        bytes.writeBytes("WEBPVP8L".getBytes(StandardCharsets.US_ASCII));
        bytes.writeBytes(new byte[] {13, 0, 0, 0, 0x2F, 12, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        return bytes.toByteArray();
    }
}
