package org.attune.model.layer;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.model.config.VisionConfig;
import org.attune.model.config.VisionEncoder;
import org.attune.model.config.VisionEncoder.Grid;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// Pixels of a prepared picture, patch by patch.
///
/// @param values tiles of channels of rows of pixels, or patches where the processor cuts them
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record PicturePatches(float[] values, Grid grid, VisionEncoder.Patches read) {
    /// @throws org.attune.error.ModelException if the encoder can't read it
    static PicturePatches of(VisionConfig config, Prepared prepared) {
        boolean tiles = config.encoder().patches().times() == 0;
        Grid grid =
                tiles
                        ? config.grid(prepared.shape())
                        : config.grid(prepared.shape(), prepared.grid());
        return new PicturePatches(prepared.pixelValues(), grid, config.encoder().patches());
    }

    /// Pixels of the patches of some tiles, `(tiles · patches, channels · pixels · pixels)`.
    ///
    /// @param like has the device and the dtype
    Tensor of(int first, int tiles, Tensor like) {
        int ofPatch = read.numbers();
        if (read.times() > 0) {
            int numbers = tiles * grid.ofTile() * ofPatch;
            int from = first * grid.ofTile() * ofPatch;
            float[] own = Arrays.copyOfRange(values, from, from + numbers);
            return Tensor.of(like.device(), own, numbers / ofPatch, ofPatch).to(like.dtype());
        }
        int patch = read.size();
        int width = grid.columns() * patch;
        int height = grid.rows() * patch;
        int[] rows = grid.rowOfPatch();
        int[] columns = grid.columnOfPatch();
        float[] all = new float[tiles * grid.ofTile() * ofPatch];
        int to = 0;
        for (int tile = first; tile < first + tiles; tile++) {
            for (int place = 0; place < rows.length; place++) {
                for (int channel = 0; channel < read.channels(); channel++) {
                    int plane = (tile * read.channels() + channel) * height * width;
                    int corner = plane + rows[place] * patch * width + columns[place] * patch;
                    for (int y = 0; y < patch; y++) {
                        System.arraycopy(values, corner + y * width, all, to, patch);
                        to += patch;
                    }
                }
            }
        }
        return Tensor.of(like.device(), all, all.length / ofPatch, ofPatch).to(like.dtype());
    }
}
