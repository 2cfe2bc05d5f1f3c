/// Data sets: from files to samples.
///
/// [DatasetLoader] reads a mixture of sources into [Sample]s. Trainers make token ids with a loss
/// mask of them.
package org.attune.datasets;

import org.attune.datasets.formats.Sample;
