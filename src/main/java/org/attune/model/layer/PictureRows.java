package org.attune.model.layer;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.config.VisionEncoder;
import org.attune.model.config.VisionEncoder.Grid;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// Rows of pictures among a pass's tokens: a [VisionTower] makes them, once for each picture as
/// long as its weights stay as they are. The oldest make room for others.
final class PictureRows {
    /// Bytes of rows that are kept, unless one pass needs more.
    private static final long KEPT_BYTES = 256L << 20;

    /// Patches that pass through the encoder at once. Tiles see themselves alone, so nothing but
    /// memory and rounding depends on it.
    private static final int PATCHES = 2048;

    private final VisionTower tower;
    private final Weight like;
    private final long most; // bytes of rows
    private final Map<Key, Rows> kept = new LinkedHashMap<>(16, 0.75f, true);
    private Optional<Supplier<PictureFiles>> openFiles = Optional.empty();
    private Optional<PictureFiles> files = Optional.empty();
    private long bytes;
    private long encoded;

    /// @param adapter that the rows were made with
    private record Key(String picture, Adapter adapter) {}

    /// @param scope owns the tensor
    /// @param values `(rows, width)`
    private record Rows(TensorScope scope, Tensor values) {
        long bytes() {
            return values.size() * values.dtype().bytes();
        }
    }

    /// Rows of a picture that stand one behind the other in a pass too.
    ///
    /// @param at   first row of the pass
    /// @param from first row of the picture
    private record Run(int at, int from, int count) {}

    /// @param like has the device and the dtype of a pass
    PictureRows(VisionTower tower, Weight like) {
        this(tower, like, KEPT_BYTES);
    }

    /// @param most bytes of rows that are kept, unless one picture has more
    PictureRows(VisionTower tower, Weight like, long most) {
        this.tower = tower;
        this.like = like;
        this.most = most;
    }

    /// Keeps rows in files too, as long as nothing has changed the tower's weights.
    ///
    /// @param settings of the tower, by which it is told from others
    void keep(Path folder, String settings) {
        openFiles =
                Optional.of(
                        () ->
                                new PictureFiles(
                                        folder,
                                        PictureFiles.name(tower, settings, like.base()),
                                        PictureFiles.MOST_BYTES));
    }

    /// How often a picture has passed through the tower, backward passes left out.
    long encoded() {
        return encoded;
    }

    /// Bytes of kept rows and of one part of a picture on its way, forward or, if something learns,
    /// backward with what one stage records.
    long bytes(Adapter adapter) {
        VisionEncoder config = tower.config().encoder();
        boolean anySize = config.patches().times() > 0; // one of usual size then
        long perTile = anySize ? PATCHES : config.places();
        long tiles = Math.max(1, PATCHES / perTile);
        long number = like.base().dtype().bytes();
        boolean keepsScores = VisionBlock.keepsScores(like.base().device());
        long scores = keepsScores ? tiles * config.heads() * perTile * perTile * Float.BYTES : 0;
        long features = 8L * config.width() + 3L * config.inner();
        long work = 3 * scores + tiles * perTile * features * number;
        long inputs = tiles * perTile * config.width() * number * tower.stages();
        return most + (learns(adapter) ? 2 * work + inputs : work);
    }

    /// Forgets what trained weights made, since they have changed.
    void forget(Adapter adapter) {
        if (adapter.equals(Adapter.OFF)) {
            openFiles = Optional.empty(); // no later run has these weights
            files = Optional.empty();
        }
        List<Key> stale =
                kept.keySet().stream().filter(key -> key.adapter().equals(adapter)).toList();
        stale.forEach(this::drop);
    }

    private void drop(Key key) {
        Rows rows = kept.remove(key);
        bytes -= rows.bytes();
        rows.scope().close();
    }

    /// Writes rows of pictures among others.
    ///
    /// @param ids of the pass's tokens
    /// @param x `(N, D)`, changed
    void put(int[] ids, Tensor x, Adapter adapter, Dropout dropout) {
        each(ids, 0, x, adapter, dropout, Tensor::copyInPlace);
    }

    /// Adds features to rows of pictures, behind one of the decoder's first blocks.
    ///
    /// @param ids of the pass's tokens
    /// @param x what the block gives, `(N, D)`, changed
    void add(int[] ids, int block, Tensor x, Adapter adapter, Dropout dropout) {
        if (block < depth()) {
            each(ids, block + 1, x, adapter, dropout, Tensor::addInPlace);
        }
    }

    /// Blocks of the decoder behind which something is added.
    int depth() {
        return tower.config().deep().size();
    }

    private void each(
            int[] ids,
            int part,
            Tensor x,
            Adapter adapter,
            Dropout dropout,
            BiConsumer<Tensor, Tensor> change) {
        long width = x.size(1);
        for (Map.Entry<SeenPicture, List<Run>> own : runs(ids).entrySet()) {
            try (var _ = TensorScope.open("picture")) {
                Tensor values = rows(own.getKey(), adapter, dropout).narrow(1, part * width, width);
                for (Run run : own.getValue()) {
                    change.accept(
                            x.narrow(0, run.at(), run.count()),
                            values.narrow(0, run.from(), run.count()));
                }
            }
        }
    }

    /// Ends a backward pass: the gradient of a picture's rows, summed over all places where they
    /// stand, goes once through the tower, and nowhere else.
    ///
    /// @param d gradient of what the first block reads, `(N, D)`; zero at rows of pictures
    ///     afterwards
    /// @param deep gradients of what the blocks give behind which something is added
    void learn(int[] ids, Tensor d, List<Tensor> deep, Adapter adapter, Dropout dropout) {
        int first = firstLearning(adapter);
        long width = d.size(1);
        for (Map.Entry<SeenPicture, List<Run>> own : runs(ids).entrySet()) {
            try (var _ = TensorScope.open("picture")) {
                long rows = own.getKey().rows();
                Tensor sum =
                        Tensor.zeros(d.device(), DType.FLOAT32, rows, width * (1 + deep.size()));
                for (Run run : own.getValue()) {
                    for (int i = 0; i < deep.size(); i++) {
                        Tensor part = deep.get(i).narrow(0, run.at(), run.count());
                        sum.narrow(0, run.from(), run.count())
                                .narrow(1, (i + 1) * width, width)
                                .addInPlace(part.to(DType.FLOAT32));
                    }
                    Tensor part = d.narrow(0, run.at(), run.count());
                    sum.narrow(0, run.from(), run.count())
                            .narrow(1, 0, width)
                            .addInPlace(part.to(DType.FLOAT32));
                    part.zeroInPlace();
                }
                if (first < tower.stages()) {
                    learn(own.getKey(), sum.to(d.dtype()), first, adapter, dropout);
                }
            }
        }
    }

    /// Whether backward passes with an adapter teach the tower something.
    boolean learns(Adapter adapter) {
        return firstLearning(adapter) < tower.stages();
    }

    private int firstLearning(Adapter adapter) {
        return IntStream.range(0, tower.stages())
                .filter(stage -> tower.learns(stage, adapter))
                .findFirst()
                .orElse(tower.stages());
    }

    private static Map<SeenPicture, List<Run>> runs(int[] ids) {
        Map<SeenPicture, List<Run>> all = new LinkedHashMap<>();
        int row = 0;
        while (row < ids.length) {
            if (!SeenPicture.isRow(ids[row])) {
                row++;
                continue;
            }
            SeenPicture.Place place = SeenPicture.at(ids[row]);
            int end = row + 1;
            int left = place.picture().rows() - place.row();
            while (end < ids.length && end - row < left && ids[end] == ids[end - 1] + 1) {
                end++;
            }
            all.computeIfAbsent(place.picture(), _ -> new ArrayList<>())
                    .add(new Run(row, place.row(), end - row));
            row = end;
        }
        return all;
    }

    /// A picture's rows, `(rows, D)`. Where an adapter drops inputs of the tower, every pass has
    /// others.
    private Tensor rows(SeenPicture picture, Adapter adapter, Dropout dropout) {
        boolean own = tower.differs(adapter);
        if (own && dropout.isOn()) {
            return encode(picture, adapter, dropout);
        }
        var key = new Key(picture.key(), own ? adapter : Adapter.OFF);
        Rows known = kept.get(key);
        if (known == null) {
            var scope = TensorScope.detached("picture");
            Tensor values = scope.adopt(own ? encode(picture, adapter) : frozen(picture));
            known = new Rows(scope, values);
            makeRoom(known.bytes());
            kept.put(key, known);
            bytes += known.bytes();
        }
        return known.values();
    }

    /// Rows by the base model's weights, from a file where these stay as they are.
    private Tensor frozen(SeenPicture picture) {
        if (openFiles.isEmpty() || learns(Adapter.OFF)) {
            return encode(picture, Adapter.OFF);
        }
        if (files.isEmpty()) {
            files = Optional.of(openFiles.get().get());
        }
        Optional<Tensor> known = files.get().read(picture, like.base());
        if (known.isPresent()) {
            return known.get();
        }
        Tensor rows = encode(picture, Adapter.OFF);
        files.get().write(picture, rows);
        return rows;
    }

    private Tensor encode(SeenPicture picture, Adapter adapter) {
        return encode(picture, adapter, Dropout.NONE);
    }

    private void makeRoom(long wanted) {
        while (!kept.isEmpty() && bytes + wanted > most) {
            drop(kept.keySet().iterator().next());
        }
    }

    private Tensor encode(SeenPicture picture, Adapter adapter, Dropout dropout) {
        encoded++;
        Prepared prepared = picture.prepared().get();
        PicturePatches patches = PicturePatches.of(tower.config(), prepared);
        List<Tensor> parts = new ArrayList<>();
        for (Part part : parts(patches.grid())) {
            try (var scope = TensorScope.open("tiles")) {
                Tensor x = patches.of(part.first(), part.grid().tiles(), like.base());
                for (int stage = 0; stage < tower.stages(); stage++) {
                    try (var inner = TensorScope.open("stage")) { // else all blocks' scores stay
                        Expression e = forward(adapter, dropout);
                        x = inner.keep(tower.stage(stage, x, part.grid(), e));
                    }
                }
                parts.add(scope.keep(x));
            }
        }
        Tensor joined =
                parts.size() == 1 ? parts.getFirst() : Tensor.cat(0, parts.toArray(Tensor[]::new));
        Tensor all = tower.arranged(joined, prepared, forward(adapter, dropout));
        if (all.size(0) != picture.rows()) {
            throw new IllegalStateException(
                    "a picture of %d rows was encoded as %d"
                            .formatted(picture.rows(), all.size(0)));
        }
        return all;
    }

    /// Back-propagates through the tower, stage by stage, with what it keeps of one part of the
    /// picture at a time.
    private void learn(SeenPicture picture, Tensor d, int first, Adapter adapter, Dropout dropout) {
        Prepared prepared = picture.prepared().get();
        PicturePatches patches = PicturePatches.of(tower.config(), prepared);
        Tensor dJoined = tower.arranges() ? arranged(prepared, patches.grid(), d, adapter) : d;
        int from = 0;
        for (Part part : parts(patches.grid())) {
            Grid grid = part.grid();
            try (var _ = TensorScope.open("tiles")) {
                Tensor[] inputs = new Tensor[tower.stages()];
                inputs[0] = patches.of(part.first(), grid.tiles(), like.base());
                for (int stage = 1; stage < inputs.length; stage++) {
                    try (var inner = TensorScope.open("stage")) {
                        Expression e = forward(adapter, dropout);
                        Tensor x = tower.stage(stage - 1, inputs[stage - 1], grid, e);
                        inputs[stage] = inner.keep(x);
                    }
                }
                int rows = tower.config().rows(grid);
                Tensor own = dJoined.narrow(0, from, rows);
                from += rows;
                for (int stage = inputs.length - 1; stage >= first; stage--) {
                    int number = stage;
                    try (var inner = TensorScope.open("stage")) {
                        var recording = new Recording(adapter, dropout);
                        own =
                                inner.keep(
                                        recording.backward(
                                                inputs[stage],
                                                own,
                                                x -> tower.stage(number, x, grid, recording)));
                    }
                }
            }
        }
    }

    /// The gradient of a picture's rows before they are arranged, which doesn't depend on them.
    private Tensor arranged(Prepared prepared, Grid grid, Tensor d, Adapter adapter) {
        Tensor rows = Tensor.zeros(d.device(), d.dtype(), tower.config().rows(grid), d.size(1));
        var recording = new Recording(adapter, Dropout.NONE);
        return recording.backward(rows, d, x -> tower.arranged(x, prepared, recording));
    }

    private static Expression forward(Adapter adapter, Dropout dropout) {
        return new Recording(adapter, dropout, false);
    }

    /// Tiles that are computed at once.
    private record Part(int first, Grid grid) {}

    private static List<Part> parts(Grid grid) {
        int most = Math.max(1, PATCHES / grid.ofTile());
        List<Part> parts = new ArrayList<>();
        for (int first = 0; first < grid.tiles(); first += most) {
            parts.add(new Part(first, grid.part(Math.min(most, grid.tiles() - first))));
        }
        return parts;
    }

    void close() {
        kept.values().forEach(rows -> rows.scope().close());
        kept.clear();
    }
}
