"""The adapters of serve.py against the networks' own code: values and gradients."""
import os

import torch

from common import *


def denoiser(name, engine, direct, shape, classes, levels, unlabelled=False):
    """`direct(x, sigma, label)` is D by the network's own code, label −1 where there is none."""
    torch.manual_seed(3)
    n = len(levels)
    sigma = torch.tensor(levels, dtype=torch.float32)
    label = torch.arange(n, dtype=torch.int32) % classes if classes else -torch.ones(n, dtype=torch.int32)
    if unlabelled:
        label[::2] = -1
    offset = sigma[:, None, None, None] * torch.randn(n, *shape)
    x = torch.rand(n, *shape) * 2 - 1 + offset
    z = x.clone().requires_grad_(True)
    D = direct(z, sigma, label)
    d = engine.ask("denoise", sigma, label, x)
    compared(name + ": D", relative(d + x.flatten(1), D.detach()), 5e-5)
    v, scale = torch.randn(n, *shape), torch.rand(n) + 0.5
    residual = (D - z).detach() + offset
    rows = scale[:, None, None, None]
    for cotangent, given, extra in [
            ("given", v, (v,)), ("residual", rows * residual, (offset, scale)),
            ("sign", rows * residual.sign(), (offset, scale))]:
        expected = torch.autograd.grad(D, z, given, retain_graph=True)[0] - given
        answer = engine.ask("vjp", sigma, label, x, *extra, cotangent=cotangent)
        # Signs of residuals near zero may differ.
        compared("%s: gradient, %s" % (name, cotangent), relative(answer, expected),
                 5e-2 if cotangent == "sign" else 1e-4)


def adapters():
    torch.manual_seed(0)
    levels = [0.002, 0.01, 0.1, 0.3, 0.5, 1, 2, 5, 20, 80]
    if os.environ["EDM"]:
        from training.networks import EDMPrecond
        song = dict(model_type="SongUNet", model_channels=16, num_blocks=1, channel_mult_noise=1)
        networks = {
            "edm, DDPM++ 32×32, labels": EDMPrecond(
                32, 3, label_dim=10, channel_mult=[1, 2], attn_resolutions=[16], augment_dim=9, **song),
            "edm, DDPM++ 32×32, labels dropped": EDMPrecond(
                32, 3, label_dim=10, channel_mult=[1, 2], attn_resolutions=[16], label_dropout=0.1, **song),
            "edm, NCSN++ 32×32, no labels": EDMPrecond(
                32, 3, model_type="SongUNet", model_channels=16, num_blocks=1, channel_mult=[1, 2],
                attn_resolutions=[16], embedding_type="fourier", encoder_type="residual",
                channel_mult_noise=2, resample_filter=[1, 3, 3, 1]),
            "edm, ADM 64×64, 1000 labels": EDMPrecond(
                64, 3, label_dim=1000, use_fp16=True, sigma_data=0.6, model_type="DhariwalUNet",
                model_channels=64, channel_mult=[1, 1], num_blocks=1, attn_resolutions=[32]),
        }
        for name, net in networks.items():
            shaken(net)
            engine = Engine(edm_pickle(WORK / "net.pkl", net))

            def direct(x, sigma, label):
                labels = torch.zeros(len(x), net.label_dim)
                for row, k in enumerate(label.tolist()):
                    if k >= 0:
                        labels[row, k] = 1
                return net(x, sigma, labels if net.label_dim else None)
            hello, dropped = engine.hello, "dropped" in name
            assert hello["classes"] == net.label_dim and hello["dtype"] == "F32", hello
            assert hello["unconditional"] == (dropped or net.label_dim == 0), (name, hello)
            denoiser(name, engine, direct, hello["shape"], net.label_dim, levels, dropped)
            engine.end()
    else:
        print("edm: not checked; name a checkout of NVlabs/edm")
    for schedule in ("linear", "squaredcos_cap_v2"):
        folder, net, scheduler = diffusers_unet(schedule)
        engine = Engine("--diffusers", folder)
        steps = torch.tensor([0, 1, 10, 50, 200, 400, 600, 800, 990])
        a = scheduler.alphas_cumprod[steps].double()

        def direct(x, sigma, label):
            # As diffusers samples: x_t = sqrt(a) x, and what its scheduler takes for x_0.
            rows = []
            for i, t in enumerate(steps):
                x_t = a[i].sqrt().float() * x[i:i + 1]
                eps = net(x_t, t, class_labels=label[i:i + 1].long()).sample
                rows.append(scheduler.step(eps, int(t), x_t).pred_original_sample)
            return torch.cat(rows)
        denoiser("diffusers, " + schedule, engine, direct, [1, 28, 28], 10,
                 ((1 - a) / a).sqrt().tolist())
        engine.end()
    if robustbench():
        net = robust()
        engine = Engine("--classifier", "robust:load", "--shape", "3,32,32")
        x, v = torch.rand(6, 3, 32, 32), torch.randn(6, 10)
        z = x.clone().requires_grad_(True)
        logits = net(z)
        compared("robustbench, wide ResNet: logits", relative(engine.ask("logits", x), logits.detach()), 1e-5)
        compared("robustbench, wide ResNet: gradient",
                 relative(engine.ask("vjp", x, v, cotangent="given"), torch.autograd.grad(logits, z, v)[0]), 1e-4)
        engine.end()
    else:
        print("robustbench: not checked; pip install --no-deps robustbench")


adapters()
