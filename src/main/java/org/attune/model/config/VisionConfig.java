package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.model.config.TensorNames.InFile;
import org.attune.model.config.VisionEncoder.Grid;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Stream;

/// What sees pictures in a model of text and images: an encoder of patches and a connector to the
/// decoder's rows.
///
/// @param modelType  `model_type` of the whole model
/// @param imageToken id of the token in whose places rows of pictures stand
/// @param picturesWhole whether rows of a picture see each other in the decoder, in both directions
/// @param throughWindows whether they do so however small a layer's window is. Then text of a
///     prompt with pictures sees the whole prompt, too
/// @param deep       connectors of what blocks of the encoder give, by the block. What they make is
///     added to rows of pictures behind the first blocks of the decoder, in this order
///     ([Meng et al. 2024](https://arxiv.org/abs/2406.04334))
/// @param lines      present where rows of a picture's tiles stand line by line as the picture lies
///     in them, with a learned vector behind each line: tiles whose rows stand as they are, while
///     fewer are made of those of more; 0: all
public record VisionConfig(
        String modelType,
        VisionEncoder encoder,
        Connector connector,
        Names names,
        int imageToken,
        boolean picturesWhole,
        boolean throughWindows,
        SortedMap<Integer, Connector> deep,
        OptionalInt lines) {
    private static final Set<String> EQUAL_BATCHES =
            Set.of("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "gemma3", "paligemma");

    /// One whose decoder reads what the last block gives alone.
    VisionConfig(
            String modelType,
            VisionEncoder encoder,
            Connector connector,
            Names names,
            int imageToken,
            boolean picturesWhole) {
        this(
                modelType,
                encoder,
                connector,
                names,
                imageToken,
                picturesWhole,
                false,
                Collections.emptySortedMap(),
                OptionalInt.empty());
    }

    /// What sees pictures with the rows of their tiles in lines.
    VisionConfig inLines(int most) {
        return new VisionConfig(
                modelType,
                encoder,
                connector,
                names,
                imageToken,
                picturesWhole,
                throughWindows,
                deep,
                OptionalInt.of(most));
    }

    /// @throws ModelException if the numbers can't belong to one model
    public VisionConfig {
        int side = encoder.patches().side();
        if (!anySize(encoder) && side % connector.side() != 0) {
            throw new ModelException(
                    "squares of %d patches don't fill the %d patches of a tile's side"
                            .formatted(connector.side(), side));
        }
    }

    /// Whether transformers' class means the loss of each micro-batch, however many tokens it has
    /// (`accepts_loss_kwargs` is false).
    public boolean equalBatches() {
        return EQUAL_BATCHES.contains(modelType);
    }

    /// Path of everything of the decoder but the output layer.
    public String text() {
        return names.text();
    }

    /// Whether a tensor is of what sees pictures.
    public boolean holds(String name) {
        return names.holds(name);
    }

    /// Whether a module or a tensor is of blocks or norms behind the output that is read.
    public boolean isUnread(String name) {
        if (name.startsWith(lastNorm() + ".")) {
            return encoder.lastNorm() == VisionEncoder.LastNorm.KEPT;
        }
        for (int layer = encoder.taken(); layer < encoder.layers(); layer++) {
            if (name.startsWith(block(layer))) {
                return true;
            }
        }
        return false;
    }

    /// Path of the embedding of patches.
    public String patches() {
        return names.encoder() + "." + names.patches();
    }

    /// Name of the learned positions.
    public String positions() {
        return names.encoder() + "." + names.positions();
    }

    /// Name of the vector in front of a tile's patches.
    public String classToken() {
        return names.encoder() + "." + names.classToken();
    }

    /// Path of the norm in front of the blocks.
    public String firstNorm() {
        return names.encoder() + "." + names.firstNorm();
    }

    /// Path of the norm behind the blocks.
    public String lastNorm() {
        return names.encoder() + "." + names.lastNorm();
    }

    /// Name of the vector behind a line of a picture's rows.
    public String newline() {
        return VisionNames.NEWLINE;
    }

    /// Path of a block of the encoder, with a dot behind it.
    public String block(int layer) {
        return names.block(layer);
    }

    /// Where the patches of a prepared picture lie.
    ///
    /// @param shape of its numbers: tiles, channels, height, width
    /// @throws ModelException if the encoder can't read it
    public Grid grid(int[] shape) {
        VisionEncoder.Patches patches = encoder.patches();
        int step = patches.size() * connector.side();
        boolean fits =
                shape.length == 4
                        && shape[1] == patches.channels()
                        && shape[2] % step == 0
                        && shape[3] % step == 0
                        && (anySize() || shape[2] == shape[3]);
        if (!fits) {
            throw new ModelException(
                    ("a picture was prepared as %s, but the model's encoder reads %s of %d channels"
                         + " and patches of %d pixels; is preprocessor_config.json this model's?")
                            .formatted(
                                    Arrays.toString(shape),
                                    anySize() ? "pictures" : "square tiles",
                                    patches.channels(),
                                    patches.size()));
        }
        return new Grid(shape[0], shape[2] / patches.size(), shape[3] / patches.size(), 1);
    }

    private boolean anySize() {
        return anySize(encoder);
    }

    private static boolean anySize(VisionEncoder encoder) {
        return encoder.positions() instanceof VisionEncoder.Positions.Rotary;
    }

    /// Where the patches of a picture lie that was cut into patches, square by square.
    ///
    /// @param shape of its numbers: patches, numbers of a patch
    /// @param told  times, rows and columns of patches
    /// @throws ModelException if the encoder can't read it
    public Grid grid(int[] shape, int[] told) {
        int side = connector.side();
        boolean fits =
                shape.length == 2
                        && shape[1] == encoder.patches().numbers()
                        && told.length == 3
                        && told[1] % side == 0
                        && told[2] % side == 0
                        && (long) told[0] * told[1] * told[2] == shape[0];
        if (!fits) {
            throw new ModelException(
                    ("a picture was prepared as %s in a grid of %s, but the model's encoder reads"
                                    + " patches of %d numbers in squares of %d a side; is"
                                    + " preprocessor_config.json this model's?")
                            .formatted(
                                    Arrays.toString(shape),
                                    Arrays.toString(told),
                                    encoder.patches().numbers(),
                                    side));
        }
        return new Grid(told[0], told[1], told[2], side);
    }

    /// The connector, then those of [#deep].
    public List<Connector> connectors() {
        return Stream.concat(Stream.of(connector), deep.values().stream()).toList();
    }

    /// Rows of the decoder that patches become.
    public int rows(Grid grid) {
        return grid.tiles() * grid.ofTile() / (connector.side() * connector.side());
    }

    /// The linear modules, in the order in which they are computed, with their shapes `(out, in)`.
    ///
    /// @param decoder its width
    public Map<String, long[]> linears(int decoder) {
        Map<String, long[]> all = new LinkedHashMap<>();
        int width = encoder.width();
        int inner = encoder.inner();
        for (int layer = 0; layer < encoder.layers(); layer++) {
            String block = block(layer);
            long ofEach = 3L * width / names.qkv().size();
            names.qkv().forEach(name -> all.put(block + name, new long[] {ofEach, width}));
            all.put(block + names.output(), new long[] {width, width});
            names.up().forEach(name -> all.put(block + name, new long[] {inner, width}));
            all.put(block + names.down(), new long[] {width, inner});
        }
        connectors().stream()
                .flatMap(c -> c.linears().stream())
                .filter(l -> !l.matrix())
                .forEach(l -> all.put(l.path(), new long[] {l.out(decoder), l.in(decoder)}));
        return all;
    }

    /// The norms with their widths.
    public Map<String, Integer> norms() {
        Map<String, Integer> all = new LinkedHashMap<>();
        int width = encoder.width();
        if (encoder.patches().norm()) {
            all.put(firstNorm(), width);
        }
        for (int layer = 0; layer < encoder.layers(); layer++) {
            List<String> own = new ArrayList<>(names.norms());
            if (encoder.qkNorm().isPresent()) {
                own.addAll(names.qkNorms());
            }
            String block = block(layer);
            own.forEach(norm -> all.put(block + norm, width));
        }
        if (encoder.lastNorm() != VisionEncoder.LastNorm.NONE) {
            all.put(lastNorm(), width);
        }
        connectors().forEach(c -> c.norms().forEach(n -> all.put(n.path(), n.width())));
        return all;
    }

    /// What makes rows of the decoder of an encoder's patches: squares of patches are joined, then
    /// projected.
    /// ```
    /// norm → join → norm → linear layers
    /// ```
    ///
    /// @param join       of the patches of a square
    /// @param side       patches of a side of such a square
    /// @param before     norm of patches, if there is one
    /// @param behind     norm of what is joined, if there is one
    /// @param linears    in the order in which they are computed
    /// @param activation of those that have one in front
    public record Connector(
            Join join,
            int side,
            Optional<NormAt> before,
            Optional<NormAt> behind,
            List<Linear> linears,
            Activation activation) {
        /// How the patches of a square become one.
        public enum Join {
            /// Features side by side, patch by patch.
            PATCHES,
            /// Features side by side, all patches' first features first.
            FEATURES,
            /// Their mean.
            MEAN
        }

        /// A norm.
        ///
        /// @param path  of its module
        /// @param width of what it norms
        public record NormAt(String path, int width, NormConfig kind) {}

        /// A linear layer.
        ///
        /// @param path      of its module, or of the matrix itself
        /// @param in        features that it reads; 0: the decoder's width
        /// @param out       features that it gives; 0: the decoder's width
        /// @param activated whether it reads what the activation gives
        /// @param matrix    whether it is a bare matrix, `(in, out)`, in no module
        public record Linear(
                String path, int in, int out, boolean bias, boolean activated, boolean matrix) {
            /// Features that it gives.
            ///
            /// @param decoder width of the decoder
            public int out(int decoder) {
                return out == 0 ? decoder : out;
            }

            /// Features that it reads.
            ///
            /// @param decoder width of the decoder
            public int in(int decoder) {
                return in == 0 ? decoder : in;
            }
        }

        /// The norms, in the order in which they are computed.
        List<NormAt> norms() {
            return List.of(before, behind).stream().flatMap(Optional::stream).toList();
        }
    }

    /// How a family calls the tensors of what sees pictures, as modules of transformers are called,
    /// and what files call otherwise. Names are without `.weight` and `.bias` where tensors have
    /// those; what a family has not is empty.
    ///
    /// @param text       path of everything of the decoder but the output layer
    /// @param encoder    path of the encoder
    /// @param patches    embedding of patches, in the encoder
    /// @param classToken vector in front of a tile's patches, in the encoder: a whole name
    /// @param positions  table of learned positions, in the encoder: a whole name
    /// @param firstNorm  norm in front of the blocks, in the encoder
    /// @param blocks     list of blocks, in the encoder
    /// @param norms      of a block, in the order in which they are computed
    /// @param qkv        projections of a block's queries, keys and values: three, or one of all
    /// @param qkNorms    norms of queries and of keys
    /// @param output     output projection of attention
    /// @param up         projections into the feed-forward part, the gate first
    /// @param down       projection out of it
    /// @param scales     of what attention and the feed-forward part give: whole names
    /// @param lastNorm   norm behind the blocks, in the encoder
    /// @param inFiles    beginnings of names that files have in place of modules'
    public record Names(
            String text,
            String encoder,
            String patches,
            String classToken,
            String positions,
            String firstNorm,
            String blocks,
            List<String> norms,
            List<String> qkv,
            List<String> qkNorms,
            String output,
            List<String> up,
            String down,
            List<String> scales,
            String lastNorm,
            List<InFile> inFiles) {

        /// Path of a block of the encoder, with a dot behind it.
        String block(int layer) {
            return encoder + "." + blocks + "." + layer + ".";
        }

        /// Whether a tensor is of what sees pictures.
        boolean holds(String name) {
            return name.startsWith("model.") && !name.startsWith(text + ".");
        }

        /// The module's name of a tensor that a file may call otherwise.
        public String ofModule(String inFile) {
            return inFiles.stream()
                    .filter(f -> inFile.startsWith(f.file()))
                    .findFirst()
                    .map(f -> f.module() + inFile.substring(f.file().length()))
                    .orElse(inFile);
        }

        /// The name in files of a module's tensor.
        public String inFile(String ofModule) {
            return inFiles.stream()
                    .filter(f -> f.written() && ofModule.startsWith(f.module()))
                    .findFirst()
                    .map(f -> f.file() + ofModule.substring(f.module().length()))
                    .orElse(ofModule);
        }
    }
}
