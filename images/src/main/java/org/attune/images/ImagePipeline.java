package org.attune.images;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.error.Spelling;
import org.attune.images.Picture.Size;
import org.attune.json.Json;

import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Supplier;

/// From pictures to what a vision encoder reads, and from a text with placeholders to one with
/// image tokens, as a model folder says it. Immutable and thread-safe.
@Api(EXPERIMENTAL)
public final class ImagePipeline {
    /// More floats would be two gigabytes for one picture.
    private static final long MOST_VALUES = 1L << 29;

    private final TileRule rule;
    private final Resizer resizer;
    private final Levels levels;
    private final ImageText text;
    private final String settingsHash;
    private final String smaller;

    private ImagePipeline(String type, ImageSettings settings, ImageText text, Backend backend) {
        this.rule = TileRules.of(type, settings);
        this.resizer = new Resizer(settings.filter(), backend);
        this.levels = new Levels(settings, backend);
        this.text = text;
        this.settingsHash =
                Picture.sha256((type + backend + settings.json()).getBytes(StandardCharsets.UTF_8));
        this.smaller = smaller(settings);
    }

    /// Whose arithmetic prepares pictures. Sizes and counts of tokens are equal, values differ by a
    /// few levels of 255 where a picture is resized.
    public enum Backend {
        /// What `transformers` takes where torchvision is installed.
        TORCHVISION,
        /// Pillow, which `transformers` takes elsewhere, or if asked to (`use_fast=False`).
        PIL;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// How the user wants pictures to be prepared.
    ///
    /// @param backend  whose arithmetic
    /// @param settings to be used instead of the model's, by the names that they have in
    ///     `preprocessor_config.json`: `{"size": {"longest_edge": 512}}`
    public record Options(Backend backend, Map<String, Object> settings) {
        /// As `transformers` does it by default.
        public static final Options DEFAULT = new Options(Backend.TORCHVISION, Map.of());

        public Options {
            settings = Map.copyOf(settings);
        }
    }

    /// What a vision encoder reads of one picture.
    ///
    /// @param pixelValues in rows; not copied
    /// @param shape       of the values: tiles, channels, height, width; of the Qwen family
    ///     patches, and channels by times by height by width of a patch
    /// @param grid        what the model is told besides. Idefics3 and SmolVLM: rows and columns of
    ///     tiles, both 0 for a single one; Qwen: times, rows and columns of patches; LLaVA-NeXT and
    ///     LLaVA-OneVision: height and width of the picture as it was, then rows and columns of
    ///     tiles, both 0 if it isn't cut; Pixtral and Mistral3: height and width as resized;
    ///     InternVL: tiles; Gemma 3 with pan and scan: tiles but the whole; others: nothing
    /// @param tokens      image tokens in the text
    /// @param key         equal for equal pictures that were prepared equally
    public record Prepared(float[] pixelValues, int[] shape, int[] grid, int tokens, String key) {
        /// Lines of features of a picture of LLaVA-NeXT or LLaVA-OneVision that was cut: rows and
        /// columns of features in its tiles that lie in the picture, not in the border beside it,
        /// then rows and columns that are made of these.
        ///
        /// @param side features of a tile's side
        /// @param most tiles whose features are shown as they are; 0: all
        public int[] lines(int side, int most) {
            var lines =
                    FeatureLines.of(
                            grid[0], grid[1], grid[2] * side, grid[3] * side, most * side * side);
            return new int[] {
                lines.rows(), lines.columns(), lines.shownRows(), lines.shownColumns()
            };
        }
    }

    /// A text with image tokens.
    ///
    /// @param text   with what pictures become
    /// @param places where those of the original are now
    public record Expanded(String text, int[] places) {}

    /// What a model folder says about pictures; empty if it says nothing.
    ///
    /// @throws org.attune.error.ModelException if it says something that isn't supported
    /// @throws ConfigException if the user's settings name something that isn't there
    public static Optional<ImagePipeline> open(Path folder, Options options) {
        var files = new ImageFiles(folder);
        if (!files.hasPictures()) {
            return Optional.empty();
        }
        String type = files.imageType();
        String textClass = files.textClass();
        ObjectNode users = Json.MAPPER.valueToTree(options.settings());
        requireKnown(type, options.settings().keySet());
        ImageSettings settings = files.images(type, users);
        ImageSettings texts = files.texts();
        if (textClass.equals("InternVLProcessor")) {
            settings.json().put("crop_to_patches", true);
        } else if (textClass.equals("PixtralProcessor")) {
            int patch = texts.whole("patch_size", 16) * texts.whole("spatial_merge_size", 1);
            settings.json().put("patch_size", patch);
        }
        ImageText text = new ImageTexts(texts, settings, files.tokens()).of(textClass);
        return Optional.of(new ImagePipeline(type, settings, text, options.backend()));
    }

    /// Of settings alone, without texts.
    static ImagePipeline of(String type, ImageSettings settings, Backend backend) {
        return new ImagePipeline(type, settings, new ImageText("", "x", _ -> "x"), backend);
    }

    private static void requireKnown(String type, Collection<String> keys) {
        Collection<String> known = new TreeSet<>();
        ImageFiles.defaults().get(type).fieldNames().forEachRemaining(known::add);
        for (String key : keys) {
            if (!known.contains(key)) {
                throw ConfigException.about(
                        "image_settings",
                        "%s has no %s%s; accepted: %s"
                                .formatted(
                                        type,
                                        key,
                                        Spelling.nearest(key, known)
                                                .map(near -> " (" + near + "?)")
                                                .orElse(""),
                                        String.join(", ", known)));
            }
        }
    }

    /// What chat templates write for a picture.
    public String placeholder() {
        return text.placeholder();
    }

    /// The token whose place a part of a picture takes.
    public String imageToken() {
        return text.token();
    }

    /// What to write into a run's file so that pictures have fewer tokens.
    public String smaller() {
        return smaller;
    }

    /// Image tokens of a picture, from its header alone.
    ///
    /// @param alone whether its text has no other picture
    /// @throws DatasetException if it can't be read, or the model takes none of its size
    public int tokens(Picture picture, boolean alone) {
        return text.tokens(plan(picture.name(), picture.size(), alone));
    }

    /// What a picture of a size becomes, if its text has no other.
    Plan plan(Size size) {
        return plan("a picture of " + size, size, true);
    }

    /// Image tokens of a picture.
    int tokens(Plan plan) {
        return text.tokens(plan);
    }

    /// Decodes and prepares a picture. Takes tenths of a second for a large one, so don't call it
    /// where others wait.
    ///
    /// @param alone whether its text has no other picture; LLaVA-OneVision cuts only those
    /// @throws DatasetException if it can't be read, or the model takes none of its size
    public Prepared prepare(Picture picture, boolean alone) {
        Pixels pixels = picture.pixels();
        Plan plan = plan(picture.name(), new Size(pixels.width(), pixels.height()), alone);
        List<Pixels> tiles = named(picture.name(), () -> rule.tiles(pixels, plan, resizer));
        String key = key(picture, alone);
        int tokens = text.tokens(plan);
        if (rule instanceof TileRule.WholePatches patches) {
            int length = Pixels.CHANNELS * patches.times() * patches.patch() * patches.patch();
            int count = plan.rows() * plan.columns();
            float[] values = new float[count * length];
            levels.writePatches(tiles.getFirst(), patches, values);
            return new Prepared(values, new int[] {count, length}, plan.grid(), tokens, key);
        }
        Size tile = plan.tile();
        float[] values = new float[tiles.size() * Pixels.CHANNELS * tile.height() * tile.width()];
        int at = 0;
        for (Pixels one : tiles) {
            at = levels.write(one, values, at);
        }
        int[] shape = {tiles.size(), Pixels.CHANNELS, tile.height(), tile.width()};
        return new Prepared(values, shape, plan.grid(), tokens, key);
    }

    private String key(Picture picture, boolean alone) {
        return picture.hash() + ":" + settingsHash + (alone ? "" : ":beside");
    }

    /// The token ids of a text with rows of its pictures in the places of image tokens.
    ///
    /// @param ids of what [#expand] gave; not changed
    /// @param pictures of the text
    /// @throws DatasetException if their numbers differ
    public int[] see(int[] ids, int imageToken, List<Picture> pictures) {
        boolean alone = pictures.size() == 1;
        List<SeenPicture> seen = pictures.stream().map(p -> seen(p, alone)).toList();
        int[] all = SeenPicture.among(ids, imageToken, seen);
        return endsPrompts() ? SeenPicture.prompt(all) : all;
    }

    /// Whether a text with pictures is a prompt that sees itself in both directions, and an answer
    /// follows behind its end, as in PaliGemma.
    public boolean endsPrompts() {
        return text.behindLast().isPresent();
    }

    private SeenPicture seen(Picture picture, boolean alone) {
        Plan plan = plan(picture.name(), picture.size(), alone);
        int tokens = text.tokens(plan);
        if (tokens < 1) {
            throw new DatasetException(
                    "%s: its %s become no image token; is processor_config.json this model's?"
                            .formatted(picture.name(), plan.picture()));
        }
        return new SeenPicture(
                key(picture, alone),
                tokens,
                rule instanceof TileRule.WholePatches w ? plan.columns() / w.merge() : 0,
                plan.shape(),
                picture.isPassing()
                        ? new PassingPicture(this, new WeakReference<>(picture), alone)
                        : () -> prepare(picture, alone));
    }

    private Plan plan(String picture, Size size, boolean alone) {
        Plan plan = named(picture, () -> rule.plan(size, alone));
        long values = (long) plan.tile().width() * plan.tile().height() * plan.tiles();
        long whole = (long) plan.whole().width() * plan.whole().height();
        if (whole > values && whole * Pixels.CHANNELS > MOST_VALUES) {
            throw new DatasetException(
                    "%s: its %s are resized to %s, which no memory holds; cut it, or change %s"
                            .formatted(picture, size, plan.whole(), smaller));
        }
        if (values * Pixels.CHANNELS > MOST_VALUES) {
            throw new DatasetException(
                    "%s: its %s become %d tiles of %s, which no memory holds; change %s"
                            .formatted(picture, size, plan.tiles(), plan.tile(), smaller));
        }
        return plan;
    }

    private static <T> T named(String picture, Supplier<T> work) {
        try {
            return work.get();
        } catch (BrokenPictureException e) {
            throw new DatasetException(picture + ": " + e.getMessage(), e);
        }
    }

    /// Writes image tokens for placeholders, the first picture's for the first one.
    ///
    /// @param pictures of the text, as many as there are placeholders
    /// @param places   in the text, in any order, that are to be found again
    /// @throws DatasetException if the numbers differ
    public Expanded expand(String rendered, List<Picture> pictures, int... places) {
        var expansion = new TextExpansion(rendered, places);
        boolean alone = pictures.size() == 1;
        for (Picture picture : pictures) {
            String spelled = text.spelling().apply(plan(picture.name(), picture.size(), alone));
            expansion.replaceNext(text.placeholder(), spelled);
        }
        expansion.finish(text.placeholder(), pictures.size());
        text.behindLast().ifPresent(expansion::insertAndEndLine);
        return new Expanded(expansion.text(), expansion.places());
    }

    private static String smaller(ImageSettings settings) {
        String what =
                settings.json().has("patch_size") && settings.json().has("merge_size")
                        ? "max_pixels: " + settings.pixels("max_pixels", "longest_edge")
                        : settings.json().has("max_patches")
                                ? "max_patches: " + settings.whole("max_patches")
                                : settings.edge("size", "longest_edge")
                                        .map(edge -> "size: {longest_edge: " + edge + "}")
                                        .orElse("size: " + settings.json().path("size"));
        return "image_settings (now {" + what + "})";
    }
}
