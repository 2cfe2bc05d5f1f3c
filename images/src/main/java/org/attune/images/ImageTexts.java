package org.attune.images;

import org.attune.error.ModelException;

import java.util.List;
import java.util.Optional;

/// The texts about pictures of the families, by the name of the class that has them in
/// `transformers`.
final class ImageTexts {
    static final List<String> CLASSES =
            List.of(
                    "Idefics3Processor",
                    "SmolVLMProcessor",
                    "Qwen2VLProcessor",
                    "Qwen2_5_VLProcessor",
                    "Qwen3VLProcessor",
                    "Gemma3Processor",
                    "PaliGemmaProcessor",
                    "LlavaProcessor",
                    "LlavaNextProcessor",
                    "LlavaOnevisionProcessor",
                    "InternVLProcessor",
                    "PixtralProcessor");

    private final ImageSettings settings;
    private final ImageSettings image;
    private final ImageSettings tokenizer;

    /// @param settings  of the text
    /// @param image     of the pictures
    /// @param tokenizer names of special tokens
    ImageTexts(ImageSettings settings, ImageSettings image, ImageSettings tokenizer) {
        this.settings = settings;
        this.image = image;
        this.tokenizer = tokenizer;
    }

    ImageText of(String processorClass) {
        return switch (processorClass) {
            case "Idefics3Processor", "SmolVLMProcessor" -> split();
            case "Qwen2VLProcessor", "Qwen2_5_VLProcessor", "Qwen3VLProcessor" -> merged();
            case "Gemma3Processor" -> gemma();
            case "PaliGemmaProcessor" -> paliGemma();
            case "LlavaProcessor" -> llava();
            case "LlavaNextProcessor" -> llavaNext();
            case "LlavaOnevisionProcessor" -> llavaOnevision();
            case "InternVLProcessor" -> internVl();
            case "PixtralProcessor" -> pixtral();
            default ->
                    throw new ModelException(
                            "%s: processor_class is %s; accepted: %s"
                                    .formatted(
                                            settings.file(),
                                            processorClass,
                                            String.join(", ", CLASSES)));
        };
    }

    private ImageText split() {
        String token = tokenizer.text("image_token", "<image>");
        String around = tokenizer.text("fake_image_token", "<fake_token_around_image>");
        String global = tokenizer.text("global_image_token", "<global-img>");
        String tile = token.repeat(settings.whole("image_seq_len", 169));
        return new ImageText(
                token,
                token,
                plan -> {
                    var text = new StringBuilder();
                    for (int row = 1; row <= plan.rows(); row++) {
                        for (int column = 1; column <= plan.columns(); column++) {
                            text.append(around)
                                    .append("<row_%d_col_%d>".formatted(row, column))
                                    .append(tile);
                        }
                        text.append('\n');
                    }
                    text.append(plan.rows() > 0 ? "\n" : "");
                    return text.append(around)
                            .append(global)
                            .append(tile)
                            .append(around)
                            .toString();
                });
    }

    private ImageText merged() {
        String token = tokenizer.text("image_token", "<|image_pad|>");
        int merge = image.whole("merge_size");
        return new ImageText(
                token, token, plan -> token.repeat(plan.rows() * plan.columns() / (merge * merge)));
    }

    private ImageText gemma() {
        String begin = tokenizer.text("boi_token", "<start_of_image>");
        String end = tokenizer.text("eoi_token", "<end_of_image>");
        String token = tokenizer.text("image_token", "<image_soft_token>");
        String whole =
                "\n\n"
                        + begin
                        + token.repeat(settings.whole("image_seq_length", 256))
                        + end
                        + "\n\n";
        return new ImageText(
                begin,
                token,
                plan -> {
                    if (plan.tiles() == 1) {
                        return whole;
                    }
                    String crops = (" " + whole).repeat(plan.tiles() - 1);
                    return "Here is the original image "
                            + whole
                            + " and here are some crops to help you see better"
                            + crops;
                });
    }

    private ImageText paliGemma() {
        String token = tokenizer.text("image_token", "<image>");
        String text = token.repeat(image.whole("image_seq_length"));
        return new ImageText(
                token, token, _ -> text, Optional.of(tokenizer.text("bos_token", "<bos>")));
    }

    private ImageText llava() {
        String token = ownImageToken();
        int patch = settings.whole("patch_size");
        int more = moreTokens();
        return new ImageText(
                token,
                token,
                plan -> {
                    int count = plan.tile().height() / patch * (plan.tile().width() / patch) + more;
                    return token.repeat(Math.max(0, count));
                });
    }

    private ImageText llavaNext() {
        String token = ownImageToken();
        int patch = settings.whole("patch_size");
        int more = moreTokens();
        return new ImageText(
                token,
                token,
                plan -> {
                    int rows = plan.tile().height() / patch;
                    int columns = plan.tile().width() / patch;
                    int lines = lines(plan, rows, columns, 0).count();
                    return token.repeat(Math.max(0, lines + rows * columns + more));
                });
    }

    private ImageText llavaOnevision() {
        String token = ownImageToken();
        int base = settings.whole("num_image_tokens");
        int most =
                Integer.parseInt(
                        settings.text("vision_aspect_ratio", "anyres_max_9")
                                .replaceFirst("^anyres_max_", ""));
        int less = isDefaultStrategy() ? 1 : 0;
        int edge = (int) Math.sqrt(base);
        return new ImageText(
                token,
                token,
                plan -> {
                    if (plan.rows() == 0) {
                        return token.repeat(base + 1 - less);
                    }
                    int lines = lines(plan, edge, edge, most * edge * edge).count();
                    return token.repeat(lines + base - less);
                });
    }

    private static FeatureLines lines(Plan plan, int tileRows, int tileColumns, int most) {
        int rows = tileRows * (plan.whole().height() / plan.tile().height());
        int columns = tileColumns * (plan.whole().width() / plan.tile().width());
        return FeatureLines.of(
                plan.picture().height(), plan.picture().width(), rows, columns, most);
    }

    private String ownImageToken() {
        return tokenizer.text("image_token", settings.text("image_token", "<image>"));
    }

    private boolean isDefaultStrategy() {
        return settings.text("vision_feature_select_strategy", "").equals("default");
    }

    /// Tokens of the encoder that are no patches, less the one that isn't used.
    private int moreTokens() {
        String key = "num_additional_image_tokens";
        int more = settings.json().path(key).asInt(0) == 0 ? 0 : settings.whole(key);
        return more - (isDefaultStrategy() ? 1 : 0);
    }

    private ImageText internVl() {
        String begin = tokenizer.text("start_image_token", "<img>");
        String end = tokenizer.text("end_image_token", "</img>");
        String token = tokenizer.text("context_image_token", "<IMG_CONTEXT>");
        String tile = token.repeat(settings.whole("image_seq_length", 256));
        return new ImageText(token, token, plan -> begin + tile.repeat(plan.tiles()) + end);
    }

    private ImageText pixtral() {
        String token = settings.text("image_token", "[IMG]");
        String lineEnd = settings.text("image_break_token", "[IMG_BREAK]");
        String end = settings.text("image_end_token", "[IMG_END]");
        return new ImageText(
                token,
                token,
                plan -> {
                    String row = token.repeat(plan.columns());
                    return (row + lineEnd).repeat(plan.rows() - 1) + row + end;
                });
    }
}
