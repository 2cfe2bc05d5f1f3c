/// Tables of strangers: what delimiter, encoding and header a file has, what its columns hold, and
/// which rows for training they make. Recognises much and maps nothing that is in doubt.
package org.attune.datasets.sniff;
