package org.attune.datasets.rows;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// What one row of a plain text file is, by the names of Hugging Face `datasets`.
@Api(EXPERIMENTAL)
public enum SampleBy {
    /// A line; blank ones are left out.
    LINE,
    /// Lines up to an empty one, with their line breaks.
    PARAGRAPH,
    /// The whole file.
    DOCUMENT
}
