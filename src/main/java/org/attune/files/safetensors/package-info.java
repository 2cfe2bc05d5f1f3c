/// Reads and writes [safetensors](https://github.com/huggingface/safetensors) files, single and
/// sharded. Read [SafeTensorsFile].
package org.attune.files.safetensors;
