"""What PyTorch holds, counted byte by byte: tensors kept for a backward pass, and what its allocator gives out and takes back."""
import torch
from torch.profiler import ProfilerActivity, profile


class Kept:
    """Inside `with`, the storages that autograd keeps, each once; those of parameters, which are there anyway, and of indices are not
    counted. Storages live as long as this does, so that no two have one address."""

    def __init__(self, model):
        self.anyway = {t.storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
        self.storage, self.alive = {}, []

    def pack(self, tensor):
        self.alive.append(tensor)
        at = tensor.storage().data_ptr()
        if at not in self.anyway and tensor.is_floating_point() and tensor.dim() > 0:
            self.storage[at] = tensor.storage().nbytes()
        elif at not in self.anyway and tensor.dtype in (torch.bool, torch.uint8):
            self.storage[at] = tensor.storage().nbytes()
        return tensor

    def __enter__(self):
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self.pack, lambda tensor: tensor)
        self.hooks.__enter__()
        return self

    def __exit__(self, *what):
        self.hooks.__exit__(*what)

    def bytes(self):
        return sum(self.storage.values())


class Allocated:
    """Inside `with`, what the CPU allocator gave out beyond what was there before: peak and what is left, in bytes. Tensors made before
    may be freed inside; that counts as less."""

    def __enter__(self):
        self.profile = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
        self.profile.__enter__()
        return self

    def __exit__(self, *what):
        self.profile.__exit__(*what)
        if what[0]:
            return
        events = [e for e in self.profile.profiler.kineto_results.events() if e.name() == '[memory]']
        self.peak, self.left = 0, 0
        for event in sorted(events, key=lambda e: e.start_us()):
            self.left += event.nbytes()
            self.peak = max(self.peak, self.left)


def size(tensors):
    """Bytes of these, each storage once."""
    return sum({t.storage().data_ptr(): t.storage().nbytes() for t in tensors}.values())
