#!/usr/bin/env python3
"""Predictions of ONNX Runtime: the network as Gemm and Tanh, in a session with all optimisations."""
import work

import numpy
import onnx
import onnxruntime

UNITS = {"cross_entropy": "Softmax", "binary_cross_entropy": "Sigmoid", "mse": "Identity"}


def model_of(chosen):
    random, nodes, arrays, name = numpy.random.default_rng(1), [], [], "x"
    layers = list(zip(chosen.units, chosen.units[1:]))
    for i, (inputs, outputs) in enumerate(layers):
        weight = (random.standard_normal((inputs, outputs)) * (2 / (inputs + outputs)) ** 0.5).astype(numpy.float32)
        arrays += [onnx.numpy_helper.from_array(weight, f"w{i}"),
                   onnx.numpy_helper.from_array(numpy.zeros(outputs, numpy.float32), f"b{i}")]
        nodes.append(onnx.helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"a{i}"]))
        last = i + 1 == len(layers)
        name = "y" if last else f"z{i}"
        nodes.append(onnx.helper.make_node(UNITS[chosen.loss] if last else "Tanh", [f"a{i}"], [name]))
    ends = [[onnx.helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, [None, size])]
            for end, size in (("x", chosen.units[0]), ("y", chosen.units[-1]))]
    graph = onnx.helper.make_graph(nodes, "mlp", *ends, arrays)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)


def main():
    chosen = work.options(__doc__)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = chosen.threads, 1
    session = onnxruntime.InferenceSession(model_of(chosen).SerializeToString(), settings, providers=["CPUExecutionProvider"])
    x = {"x": work.inputs(chosen, chosen.rows)}
    work.report("ONNX Runtime", onnxruntime.__version__, *work.measure(chosen, lambda: session.run(None, x)))


if __name__ == "__main__":
    main()
